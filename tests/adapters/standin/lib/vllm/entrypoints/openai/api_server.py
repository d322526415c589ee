"""`python3 -m vllm.entrypoints.openai.api_server`, recorded."""

import sys

import recording_engine

if __name__ == "__main__":
    recording_engine.main("vllm", sys.argv[1:])
