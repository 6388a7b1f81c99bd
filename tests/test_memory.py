"""What is kept in memory: never more than the limit, and of that what was used last."""

from __future__ import annotations

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from tersely.memory import Memory

STEPS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12) | st.none()), max_size=40)


@given(steps=STEPS, limit=st.integers(0, 20))
def test_it_holds_what_was_used_last_up_to_the_limit(steps, limit) -> None:
    memory: Memory[int] = Memory(limit)
    expected: OrderedDict[str, int] = OrderedDict()
    for number, (key, size) in enumerate(steps):
        if size is None:
            found = memory.get(key)
            assert (found is not None) == (key in expected)
            if found is not None:
                expected.move_to_end(key)
                assert steps[found] == (key, expected[key]), "the newest value of the key"
            continue
        memory.put(key, number, size)
        expected.pop(key, None)
        if size > limit:
            continue  # nothing has to go for what cannot be held
        expected[key] = size
        while sum(expected.values()) > limit:
            expected.popitem(last=False)
    assert {key for key in "abcdef" if memory.get(key) is not None} == expected.keys()


def test_what_it_forgets_is_gone() -> None:
    memory: Memory[str] = Memory(10)
    memory.put("one", "1", 10)
    memory.forget()
    assert memory.get("one") is None
    memory.put("two", "2", 10)
    assert memory.get("two") == "2", "what it forgot takes no room"
