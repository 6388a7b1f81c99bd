"""What proxy and gateway know of any conversation: what is asked in each turn, and where tagged text stands."""

from tersely_server.conversations.tags import Tagged, find_tagged
from tersely_server.conversations.turns import Said, questions_of_turns

__all__ = ["Said", "Tagged", "find_tagged", "questions_of_turns"]
