"""The small engine: a CPU inference server for dense Qwen3, Qwen2 and Llama models that speaks vLLM's protocol.

    weights    a Hugging Face folder into matrices folded and fused for decoding
    model      the forward pass over a key-value cache
    sampling   one uniform number per (seed, token index), inverted through the distribution
    scheduler  which sequence sits in which row of the cache; one decode step for all of them
    tokens     the tokenizer
    protocol   JSON in and out, checked
    server     HTTP, and the loop that steps the scheduler
    metrics    the numbers at /metrics

It exists so that everything runs on a laptop: the demo's model at 64 sequences decodes several times faster than
vLLM does on the same two cores. For real models on real hardware use vLLM.

Sample i of a request with seed s depends on (weights, prompt, s + i) and not on what else is being generated. For
models up to a width of about 400 that holds to the bit (every row of every matrix product is computed the same
way whatever the number of rows; scheduler tests check it); beyond, a product may be split differently for different
numbers of rows, log-probabilities differ in their seventh digit, and about one token in a million with them.
"""
