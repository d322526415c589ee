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
  "0.22.0":
    builds:
      - source: aws
        accelerator:
          type: cuda
          version: "12.9"
          basis: documented
        unverified:
          - full tag
      - source: upstream
        tag: v0.22.0
        accelerator:
          type: cuda
          version: "12.9"
          basis: assumed
      - source: upstream
        tag: v0.22.0-neuron
        accelerator:
          type: neuron
          version: "2.21"
          basis: derived
  "0.29.0":
    end_of_support: "2027-01-01"
    evidence:
      - {what: build, where: a laptop, when: "2026-10-01", by: ann, result: built}
      - {what: endpoint, where: ml.g6.2xlarge, when: "2026-10-02", by: bob, result: served, link: "https://example.org/b"}
      - {what: endpoint, where: "ml.g6.xlarge, eu-west-1", when: "2026-09-01", by: cat, result: served, link: "https://example.org/c"}
      - {what: endpoint, where: ml.p5.48xlarge, when: "2026-10-03", by: dan, result: served, link: "https://example.org/b"}
      - {what: local-run, where: ml.g5.xlarge, when: "2026-10-04", by: eve, result: answered}
  "0.31.0":
    validation_level: community-validated
    deprecated: "2026-11-01"
    evidence:
      - {what: build, where: a laptop, when: "2026-10-01", by: ann, result: built, link: "https://example.org/a"}
      - {what: local-run, where: ml.g5.xlarge, when: "2026-10-04", by: eve, result: answered}
known_issues:
  - {id: everywhere, what: is told everywhere, severity: info}
  - {id: upstream-only, what: is told upstream, image_sources: [upstream], workaround: take the image of aws}
  - {id: on-neuron, what: is told on neuron, accelerator: neuron, link: "https://example.org/n"}
  - {id: twelve, what: is told on CUDA 12, accelerator_versions: "<13"}
  - {id: set-so, what: is told with seed 2, setting: seed, setting_value: 2, versions: ">=0.20"}
  - {id: set-at-all, what: is told with any seed, setting: seed}
""",
        "frameworks__sklearn": """\
profiles:
  quick:
    title: Quick
    description: Nothing but a name.
    settings: {}
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
known_issues:
  - {id: acme-slow, what: answers slowly on g6, instance_families: [g6], models: ["acme/toy-*"], versions: ">=0.16"}
models:
  - match: acme/big-30b
    task: text-generation
    gated: true
    framework_compatibility:
      vllm: ">=0.19,<0.33"
      sglang: ">=99"
    architecture:
      params_total: 30000000123
      num_layers: 48
      hidden_size: 6144
      num_attention_heads: 48
      num_kv_heads: 8
      head_dim: 128
      vocab_size: 128000
      max_position_embeddings: 32768
      attention_kind: gqa
      default_dtype: bfloat16
      weights_gib: {bf16: 55.9, fp8_estimate: 29.5, int4_estimate: 17.0, as_shipped: 55.9}
  - match: acme/big-30b-AWQ
    task: text-generation
    architecture:
      params_total: 30000000123
      num_layers: 48
      hidden_size: 6144
      num_attention_heads: 48
      num_kv_heads: 8
      head_dim: 128
      vocab_size: 128000
      max_position_embeddings: 32768
      attention_kind: gqa
      default_dtype: float16
      native_quantization: awq
      weights_gib: {as_shipped: 15.0}
  - match: acme/big-30b-GPTQ-Int4
    evidence:
      - {what: local-run, where: ml.g6.xlarge, when: "2026-10-04", by: eve, result: answered}
  - match: acme/big-30b-FP8
    replaced_by: acme/big-30b
  - match: acme/big-30b-bnb-4bit
  - match: acme/exact-1b
    deprecated: "2026-10-01"
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
