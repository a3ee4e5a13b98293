"""Serves a GGUF file with llama-server's own code, as xllamacpp packages it, until standard input closes.

python llama_serve.py MODEL.gguf: the address is the first line of standard output.
"""

import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx, params.n_parallel, params.n_gpu_layers = 4096, 2, 0
params.cpuparams.n_threads = 1
params.warmup = False
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
