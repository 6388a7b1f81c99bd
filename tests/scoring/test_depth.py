"""By how many layers prefixes of shallow requests are computed: the user's own profile, else what ships."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_profile import SHIPPED, plain_profile

from tersely import ModelError
from tersely.methods.evidence.profile import Profile, read_profile
from tersely.scoring import ScoringRequest
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.depth import _shipped, own_profile_path, prefix_layers


def write(text: str, fingerprint: str = "fake") -> None:
    path = own_profile_path(fingerprint)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("fields", "layers"), [({"document_layers": 7}, 7), ({"document_layers": None}, None), ({}, None)]
)
def test_the_users_own_profile_wins_also_where_it_says_nothing(fresh_home, fields, layers) -> None:
    (fingerprint, shipped), *_ = _shipped().items()
    assert prefix_layers(fingerprint) == shipped
    write(json.dumps(plain_profile(fingerprint=fingerprint, **fields)), fingerprint)
    assert prefix_layers(fingerprint) == layers


def test_a_model_of_which_nothing_is_known_computes_all_layers(fresh_home) -> None:
    assert prefix_layers("no such model") is None


def test_a_profile_as_earlier_versions_wrote_it_serves_method_and_scorer(fresh_home) -> None:
    write(json.dumps(plain_profile(document_layers=2)))
    assert read_profile(own_profile_path("fake")) == Profile(**plain_profile())
    assert prefix_layers("fake") == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [("{", "JSON"), ("[]", "object"), ('{"document_layers": 0}', "document_layers")],
)
def test_a_broken_profile_is_named(fresh_home, text, named) -> None:
    write(text)
    with pytest.raises(ModelError, match="calibrate again") as caught:
        prefix_layers("fake")
    assert str(own_profile_path("fake")) in str(caught.value) and "\n" not in str(caught.value)
    assert named in str(caught.value)


def test_a_scorer_computes_shallow_prefixes_by_the_layers_of_its_models_profile(fresh_home, tiny_llama) -> None:
    scorer = CausalLanguageModelScorer(str(tiny_llama), dtype="float32")
    shallow, deep = (ScoringRequest([20, 30], [1, 2, 3, 4], "prefix", shallow) for shallow in (True, False))
    np.testing.assert_array_equal(scorer.score([shallow])[0], scorer.score([deep])[0])
    write(json.dumps({"document_layers": 1}), scorer.fingerprint)
    one_layer, all_layers = scorer.score([shallow])[0], scorer.score([deep])[0]
    assert not np.allclose(one_layer, all_layers, atol=1e-4)
    np.testing.assert_array_equal(scorer.with_depth(1).score([shallow])[0], one_layer)
    np.testing.assert_array_equal(scorer.with_depth(None).score([shallow])[0], all_layers)


def test_shipped_depths_are_of_models_that_have_a_shipped_profile() -> None:
    profiles = {profile.fingerprint: profile for profile in map(read_profile, SHIPPED)}
    assert _shipped()
    for fingerprint, layers in _shipped().items():
        assert profiles[fingerprint].heads and layers >= 1


@pytest.mark.model
def test_the_embedded_model_has_a_depth(fresh_home, real_compressor) -> None:
    assert 0 < prefix_layers(real_compressor.scorer.fingerprint) < real_compressor.scorer.heads[-1].layer
