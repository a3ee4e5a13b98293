"""The PyTorch side of ropewalk. It shares nothing with the Go side but files (docs/formats.md).

The walk of one step, one module each:

    train       waits for batches/000042/manifest.json, drives the rest, never decides anything about the loss
    batch       checks the manifest and every row; hands out flat numpy arrays
    pack        rows of one prompt and its completions, bucketed into micro-batches
    model       hidden states, then log-probabilities of the needed tokens only, in chunks
    loss        pure functions on flat tensors [T]
    step        one optimiser step over all micro-batches, with its metrics
    optim       AdamW, learning-rate schedule, guard against non-finite gradients
    export      weights/000043: a Hugging Face folder with its probe, STABLE last
    checkpoint  checkpoints/000043: model and optimiser in fp32, COMPLETE last
    metrics     metrics/trainer.jsonl and one line on stderr

The trainer knows no recipe: it sees tokens, log-probabilities, advantages and weights.
"""
