"""The recurrent predictor says the same label by label as over a whole sequence."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.lab.network.lstm_predictor import LSTMPredictor

BLANK = 10


@pytest.fixture(scope="module")
def predictor() -> LSTMPredictor:
    torch.manual_seed(0)
    return LSTMPredictor(vocabulary_size=11, dim=8, layers=3, joiner_dim=12, blank=BLANK).double().eval()


def stepwise(predictor: LSTMPredictor, labels: torch.Tensor, forget: str | None = None) -> torch.Tensor:
    start = {name: value.double() for name, value in predictor.initial_state(len(labels)).items()}
    state, outputs = start, []
    for token in [torch.full((len(labels),), BLANK), *labels.unbind(1)]:
        output, state = predictor.step(token, state)
        outputs.append(output)
        if forget is not None:
            state[forget] = start[forget]
    return torch.stack(outputs, 1)


@settings(max_examples=20, deadline=None)
@given(labels=st.lists(st.lists(st.integers(0, BLANK - 1), min_size=5, max_size=5), min_size=1, max_size=3))
@torch.no_grad()
def test_steps_equal_the_whole(predictor: LSTMPredictor, labels: list[list[int]]) -> None:
    sequences = torch.tensor(labels)
    whole = predictor(sequences)
    assert whole.shape == (len(labels), 6, 12)
    torch.testing.assert_close(stepwise(predictor, sequences), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("state", ["hidden", "cell"])
@torch.no_grad()
def test_a_forgotten_state_shows(predictor: LSTMPredictor, state: str) -> None:
    labels = torch.tensor([[1, 2, 3, 4]])
    assert (stepwise(predictor, labels, forget=state) - predictor(labels)).abs().max() > 1e-2


@torch.no_grad()
def test_a_label_changes_what_follows_it_and_nothing_before(predictor: LSTMPredictor) -> None:
    one, other = predictor(torch.tensor([[1, 2, 3, 4]])), predictor(torch.tensor([[1, 7, 3, 4]]))
    changed = (one - other).abs().amax((0, 2)) > 0
    assert changed.tolist() == [False, False, True, True, True]


def test_the_published_size() -> None:
    predictor = LSTMPredictor(vocabulary_size=1024, dim=512, layers=3, joiner_dim=1024, blank=1023)
    assert sum(parameter.numel() for parameter in predictor.parameters()) == 7_359_488
