"""Run whisper's own modules for training: short windows, three helper losses, few logits."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from whisper.model import ModelDimensions, Whisper

CONSTANT = 0
"""The channel that the last layer norm keeps at 1, so that unused token rows can be pushed down by it."""


def new_model(
    vocabulary: int, width: int = 144, heads: int = 4, encoder: int = 4, decoder: int = 2
) -> Whisper:
    """Build a whisper model whose vocabulary is only the used tokens, with gentle starting weights."""
    model = Whisper(ModelDimensions(80, 1500, width, heads, encoder, vocabulary, 448, width, heads, decoder))
    nn.init.normal_(model.decoder.token_embedding.weight, std=width**-0.5)
    nn.init.normal_(model.decoder.positional_embedding, std=0.02)
    hold_constant(model)
    return model


@torch.no_grad()
def hold_constant(model: Whisper) -> None:
    """Fix one channel of the last layer norm at 1."""
    model.decoder.ln.weight[CONSTANT] = 0.0
    model.decoder.ln.bias[CONSTANT] = 1.0


class Helpers(nn.Module):
    """Hold the heads that are thrown away: phonemes from the middle, words from the end of the encoder."""

    def __init__(self, width: int, phonemes: int, words: int) -> None:
        super().__init__()
        self.phonemes = nn.Linear(width, phonemes)
        self.words = nn.Linear(width, words)


def normalise(mel: Tensor, noise: Tensor | None, augment: bool) -> Tensor:
    """Add noise (log10 power), then clip and scale as whisper does; batch x frames x 80 in and out."""
    if noise is not None:
        mel = torch.logaddexp(mel * 2.302585, noise * 2.302585) / 2.302585
    mel = mel.clamp(min=-10.0)
    peak = mel.amax(dim=(1, 2), keepdim=True)
    mel = (torch.maximum(mel, peak - 8.0) + 4.0) / 4.0
    return _mask(mel) if augment else mel


def _mask(mel: Tensor) -> Tensor:
    """Blank a narrow band or a moment in some windows."""
    for row in range(mel.shape[0]):
        if torch.rand(()) < 0.3:
            low = int(torch.randint(0, 72, ()))
            mel[row, :, low : low + int(torch.randint(2, 9, ()))] = mel[row].mean()
        if torch.rand(()) < 0.3:
            at = int(torch.randint(0, mel.shape[1] - 10, ()))
            mel[row, at : at + int(torch.randint(2, 8, ()))] = mel[row].mean()
    return mel


def encode(model: Whisper, mel: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Encode windows of any length; `offset` says where in the 30 s each window is thought to lie."""
    enc = model.encoder
    x = F.gelu(enc.conv1(mel.transpose(1, 2)))
    x = F.gelu(enc.conv2(x)).transpose(1, 2)
    rows = offset[:, None] + torch.arange(x.shape[1])[None]
    x = x + enc.positional_embedding[rows]
    middle = x
    for number, block in enumerate(enc.blocks):
        x = _short_block(block, x) if x.shape[1] <= 600 else block(x)
        if number == len(enc.blocks) // 2:
            middle = x
    return enc.ln_post(x), middle


def _short_block(block: nn.Module, x: Tensor) -> Tensor:
    """Run an encoder block with plain products: on short windows faster than the fused attention."""
    layer, asked = block.attn, block.attn_ln(x)
    size, count, width = asked.shape
    heads = layer.n_head
    q, k, v = (
        t.view(size, count, heads, -1).transpose(1, 2)
        for t in (layer.query(asked), layer.key(asked), layer.value(asked))
    )
    with torch.autocast("cpu", enabled=False):
        weights = torch.softmax((q * (width // heads) ** -0.5) @ k.transpose(2, 3), dim=-1)
        mixed = (weights @ v).transpose(1, 2).reshape(size, count, width)
    x = x + layer.out(mixed)
    return x + block.mlp(block.mlp_ln(x))


def decode(model: Whisper, tokens: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits over the used tokens and the last layer's attention (batch x heads x tokens x frames)."""
    dec = model.decoder
    x = dec.token_embedding(tokens) + dec.positional_embedding[: tokens.shape[1]]
    attention = x
    for number, block in enumerate(dec.blocks):
        x = x + block.attn(block.attn_ln(x), mask=dec.mask)[0]
        asked = block.cross_attn_ln(x)
        if number < len(dec.blocks) - 1:
            x = x + block.cross_attn(asked, sound)[0]
        else:
            out, attention = _open_attention(block.cross_attn, asked, sound)
            x = x + out
        x = x + block.mlp(block.mlp_ln(x))
    return F.linear(dec.ln(x), dec.token_embedding.weight).float(), attention


def _open_attention(layer: nn.Module, asked: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
    """Compute whisper's cross-attention in the open, because the loss looks at its log weights."""
    size, count, width = asked.shape
    heads = layer.n_head
    q, k, v = (
        t.view(size, t.shape[1], heads, -1).transpose(1, 2)
        for t in (layer.query(asked), layer.key(sound), layer.value(sound))
    )
    scores = (q @ k.transpose(2, 3)).float() * (width // heads) ** -0.5
    weights = scores.log_softmax(-1)
    mixed = (weights.exp().to(v.dtype) @ v).transpose(1, 2).reshape(size, count, width)
    return layer.out(mixed), weights


def attention_loss(weights: Tensor, spans: Tensor) -> Tensor:
    """Penalise attention outside of the time in which each token is spoken, and attention that is too narrow.

    The first half counts the share that falls outside (one frame of grace), the second is the cross entropy
    with an even spread over the token's frames: whisper's alignment smooths over seven frames and would lose
    a peak of one.
    """
    frames = torch.arange(weights.shape[-1])
    start, end = spans[..., :1], spans[..., 1:]
    guided = (spans[..., 0] >= 0)[:, None]
    near = ((frames >= start - 1) & (frames < end + 1))[:, None]
    outside = -weights.masked_fill(~near, -1e4).logsumexp(-1).clamp(min=-20.0)
    exact = ((frames >= start) & (frames < end))[:, None]
    spread = weights.clamp(min=-12.0) * exact
    narrow = -spread.sum(-1) / exact.sum(-1).clamp(min=1) - exact.sum(-1).clamp(min=1).log()
    return ((outside + 0.5 * narrow) * guided).sum() / (guided.sum() * weights.shape[1]).clamp(min=1)


def losses(model: Whisper, helpers: Helpers, batch: dict[str, Tensor], mel: Tensor) -> dict[str, Tensor]:
    """Compute the four losses of one batch: text, attention, phonemes, words."""
    sound, middle = encode(model, mel, batch["offset"])
    logits, weights = decode(model, batch["inputs"], sound)
    return {
        "text": F.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten(), ignore_index=-100),
        "attention": attention_loss(weights, batch["spans"]),
        "phonemes": _frame_loss(helpers.phonemes(middle), batch["phonemes"]),
        "words": _frame_loss(helpers.words(sound), batch["words"]),
    }


def _frame_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Compare the class of every frame with its label."""
    return F.cross_entropy(scores.flatten(0, 1).float(), labels.flatten())


@torch.no_grad()
def greedy(model: Whisper, mel: Tensor, start: list[int], eot: int, limit: int = 140) -> list[list[int]]:
    """Decode windows greedily from the given first tokens; for watching the training only."""
    sound, _ = encode(model, mel, torch.zeros(mel.shape[0], dtype=torch.long))
    tokens = torch.tensor([start] * mel.shape[0])
    done = torch.zeros(mel.shape[0], dtype=torch.bool)
    for _ in range(limit):
        best = decode(model, tokens, sound)[0][:, -1].argmax(-1)
        best[done] = eot
        done |= best == eot
        tokens = torch.cat([tokens, best[:, None]], 1)
        if bool(done.all()):
            break
    return [[t for t in row if t != eot] for row in tokens[:, len(start) :].tolist()]
