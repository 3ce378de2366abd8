"""The model's own forward pass with losses at its end instead of logits, made in chunks of tokens."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from training.loss import head_losses, shifted, token_losses


def install(model: Any, *, chunk: int, z_loss: float, compile: bool = False) -> None:
    """Let `model(..., targets=labels)` return (loss to differentiate, loss of each token [rows, length]).

    The forward method is replaced on the object, so the weights of the head are used inside the module that
    FSDP gathers them for. Without `targets` the model does what it did.
    """
    model.forward = _Forward(model, model.forward, chunk, z_loss, compile)


def takes_chunks(model: nn.Module) -> bool:
    """Whether the losses are made in chunks; else the model's own logits are made as a whole."""
    return bool(_forward_of(model).chunk)


def take_whole(model: nn.Module) -> None:
    """From now on make the loss of the model's own logits."""
    _forward_of(model).chunk = 0


class _Forward:
    def __init__(self, model: Any, whole: Any, chunk: int, z_loss: float, compile: bool) -> None:
        self._model, self._whole, self._z_loss, self._compile = model, whole, z_loss, compile
        self.chunk = chunk

    def __call__(self, *args: Any, targets: Tensor | None = None, **given: Any) -> Any:
        if targets is None:
            return self._whole(*args, **given)
        goal = shifted(targets)
        if not self.chunk:
            return self._of_logits(self._whole(*args, **given).logits, goal)
        hidden = self._model.base_model(*args, **given).last_hidden_state
        head = self._model.get_output_embeddings()
        loss, losses = head_losses(
            hidden.flatten(0, 1), (head.weight, head.bias), goal.flatten(),
            chunk=self.chunk, z_loss=self._z_loss, compile=self._compile,
        )  # fmt: skip
        return loss, losses.view(goal.shape)

    def _of_logits(self, logits: Tensor, goal: Tensor) -> tuple[Tensor, Tensor]:
        losses, squares = token_losses(logits, goal)
        return losses.sum() + self._z_loss * squares.sum(), losses.detach()


def _forward_of(model: nn.Module) -> _Forward:
    found = model.forward
    assert isinstance(found, _Forward)
    return found
