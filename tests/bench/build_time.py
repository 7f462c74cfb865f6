"""What tests/bench/run says of the build: everything from nothing, and after a one-line change in a kernel."""
import os
import shutil
import subprocess
import tempfile
import time

KERNEL = os.path.join("lib", "quant", "mixed_kernel.inc")


def seconds(command):
    start = time.monotonic()
    done = subprocess.run(command, text=True, capture_output=True, env=dict(os.environ, CCACHE_DISABLE="1"))
    if done.returncode != 0:
        raise SystemExit("failed: " + " ".join(command) + "\n" + done.stdout[-4000:] + done.stderr)
    return time.monotonic() - start


def measure(root, changes):
    """(seconds of a clean build, tests included, on all cores; seconds of building the stages after each of `changes` changes)."""
    with tempfile.TemporaryDirectory() as folder:
        source, build = os.path.join(folder, "source"), os.path.join(folder, "build")
        made = ("build", "results", ".git", "fuzz-failures")
        shutil.copytree(root, source, ignore=lambda at, names: [n for n in names if at == root and n.startswith(made)])
        configure = ["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"]
        whole = seconds(configure) + seconds(["cmake", "--build", build])
        again = []
        for number in range(changes):
            with open(os.path.join(source, KERNEL), "a") as kernel:
                kernel.write(f"inline int change_{number}() {{ return {number}; }}\n")
            again.append(seconds(["cmake", "--build", build, "--target", "bitdarts_stages"]))
        return whole, again
