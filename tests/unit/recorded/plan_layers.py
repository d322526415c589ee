"""Small layers for the recorded plans: policies, and rows no shipped registry has."""

LAYERS: dict[str, dict[str, str]] = {
    "team": {
        "policy": """\
kind: policy
reason: our account
allow:
  model_servers:
    - vllm
    - fastapi
  regions:
    - "us-*"
  instance_types:
    - "ml.g6.*"
    - "ml.m5.*"
  image_hosts:
    - "*.amazonaws.com"
""",
    },
    "hub-only": {
        "policy": "kind: policy\nreason: no AWS images\nallow:\n  image_hosts:\n    - docker.io\n",
    },
    "guards": {
        "frameworks__vllm": """\
releases:
  "0.30.0":
    settings:
      max_num_seqs: 11
      seed: 1
      performance_mode: balanced
    recommended_instance_types:
      - ml.g5.xlarge
  "0.16.0":
    settings:
      performance_mode: balanced
      quantization: auto_round_new
  "0.10.0":
    inference_ami_version: al2-ami-sagemaker-inference-gpu-2
""",
        "instances__g5": """\
types:
  ml.g5.xlarge:
    price_usd_hour: null
""",
        "models__acme": """\
title: Ours
provenance:
  source:
    - us
  checked: "2026-02-01"
  basis: assumed
patterns:
  - match: "acme/toy-*"
    must_match:
      - acme/toy-7b
      - acme/toy-7b-FP8
      - acme/toy-7b-AWQ
    must_not_match:
      - acme/other
    task: text-generation
    chat:
      format: chatml
      ships_template: false
    settings:
      max_num_seqs: 13
      dtype: bfloat16
    engine_settings:
      vllm:
        seed: 2
      sglang:
        seed: 9
    profiles:
      "7b":
        title: Seven
        match:
          - "*-7b"
        note: seven billion
        settings:
          max_num_seqs: 17
          max_model_len: 2048
models:
  - match: acme/exact-1b
    gated: true
    chat:
      format: nowhere
      ships_template: false
  - match: acme/exact-2b
    chat:
      format: chatml
      ships_template: true
""",
    },
}
