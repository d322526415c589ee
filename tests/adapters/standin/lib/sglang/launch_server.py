"""`python3 -m sglang.launch_server`, recorded."""

import sys

import recording_engine

if __name__ == "__main__":
    recording_engine.main("sglang", sys.argv[1:])
