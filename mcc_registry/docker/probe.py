"""The two small programs run inside an image: they read versions and import nothing of the image's own."""

from __future__ import annotations

PYTHON = r"""
import json, re, sys
out = {"python": "%d.%d.%d" % sys.version_info[:3], "packages": {}, "torch_cuda": None}
try:
    from importlib import metadata
    for name in sys.argv[1].split(","):
        try:
            out["packages"][name] = metadata.version(name)
        except Exception:
            pass
    place = metadata.distribution("torch").locate_file("torch/version.py")
    with open(str(place)) as handle:
        found = re.search(r"^cuda\b[^=]*=\s*['\"]([0-9.]+)", handle.read(65536), re.M)
    out["torch_cuda"] = found and found.group(1)
except Exception:
    pass
print("\n=mcc:python\n" + json.dumps(out))
"""
"""Prints the interpreter's version and those of the distributions named in its argument, comma-separated."""

SHELL = r"""
echo "=mcc:start"
file=/usr/local/cuda/version.json
if [ -r "$file" ]; then
  echo "=mcc:cuda-json"
  count=0
  while [ "$count" -lt 500 ] && { IFS= read -r line || [ -n "$line" ]; }; do
    printf '%s\n' "$line"; count=$((count + 1)); line=
  done <"$file"
fi
for tool in nvcc /usr/local/cuda/bin/nvcc; do
  if command -v "$tool" >/dev/null 2>&1; then echo "=mcc:nvcc"; "$tool" --version 2>/dev/null; break; fi
done
seen=" "
for python in python3 python /opt/venv/bin/python3 /usr/local/bin/python3 /usr/bin/python3 /opt/conda/bin/python3; do
  path=$(command -v "$python" 2>/dev/null) || continue
  case "$seen" in *" $path "*) continue ;; esac
  seen="$seen$path "
  "$path" -I -B -c "$1" "$2" 2>/dev/null
done
if command -v nvidia-smi >/dev/null 2>&1; then
  echo "=mcc:gpu"
  nvidia-smi --query-gpu=memory.total --format=csv,noheader,nounits 2>/dev/null
fi
echo "=mcc:end"
"""
"""Takes ``PYTHON`` and its argument; builtins only, so that it works in an image with nothing but a shell."""
