"""Of tests/bench/search_quality: runs the product's executables and reads their products."""
import ctypes, hashlib, os, re, shlex, shutil, signal, subprocess, sys, time

# What a finetuned model depends on beside its inputs and its scheme: these sections but for what is left out, and these options.
SECTIONS, LEFT_OUT = ("finetune", "evaluate"), ("finetune.scheme",)
OPTIONS = ("run.seed", "run.shards", "quantizer.weight_scale", "quantizer.quantize_head", "quantizer.tie", "quantizer.calibration_sequences",
           "quantizer.clip_decay")


libc = ctypes.CDLL(None)


def command_line(program, command):
    """As it is published: where a build lies on this machine tells others nothing."""
    at = command.index("--build") if "--build" in command else len(command)
    return "    " + shlex.join(["tests/bench/" + program, *command[:at], *command[at + 2:]])


class Failed(Exception):
    pass


def link(path, target):
    if os.path.lexists(path):
        os.remove(path)
    os.symlink(target, path)


def end_with_parent():
    """Linux: a stage whose script was killed is asked to stop, and leaves a checkpoint."""
    libc.prctl(1, signal.SIGTERM)


class Programs:
    def __init__(self, folder, root):
        self.folder, self.root, self.stopping = os.path.abspath(folder), root, False
        missing = [name for name in ("tokenize", "pretrain", "reference", "search", "finetune", "evaluate", "inspect")
                   if not os.access(os.path.join(self.folder, "bitdarts-" + name), os.X_OK)]
        if missing:
            sys.exit(f"search_quality: error: {self.folder} has no bitdarts-{missing[0]}\n"
                     "  try:   ./setup && cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && "
                     "cmake --build build --target bitdarts_stages --parallel")
        if not shutil.which("h5dump"):
            sys.exit("search_quality: error: h5dump is not installed\n  try:   apt-get install hdf5-tools")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BITDARTS_")}  # they are options
        self.environment = dict(kept, OMP_NUM_THREADS="1", OMPI_MCA_mpi_yield_when_idle="1",
                                OMPI_MCA_btl_vader_single_copy_mechanism="none")
        if os.getuid() == 0:
            self.environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

    def program(self, name):
        return os.path.join(self.folder, "bitdarts-" + name)

    def stop(self, *_):
        """A wish to stop: what runs saves its state and ends."""
        self.stopping = True

    def wait(self, process):
        while True:
            try:
                return process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                if self.stopping:  # again and again: mpirun passes nothing on while it starts its ranks
                    process.send_signal(signal.SIGUSR1)

    def stage(self, name, at, options, ranks=1, keep_time=False):
        """Brings the product of a stage in folder `at` up to date; what the stage says goes to its log there. With keep_time the seconds
        that its product took, also if that was made earlier; None when it was made in parts."""
        os.makedirs(os.path.join(self.root, at), exist_ok=True)
        launcher = [] if ranks == 1 else ["mpirun", "--quiet", "--bind-to", "none", "--oversubscribe", "-np", str(ranks)]
        log_path, began = os.path.join(self.root, at, name + ".log"), time.monotonic()
        with open(log_path, "ab") as log:
            before = log.tell()
            if self.stopping:
                raise Failed("stopped")
            command = launcher + [self.program(name), *options, "--run.quiet=false"]  # time_of() reads the notes
            code = self.wait(subprocess.Popen(command, env=self.environment, cwd=self.root, stdout=log, stderr=log,
                                              stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=end_with_parent))
        with open(log_path, errors="replace") as log:
            log.seek(before)
            said = log.read()
        if code != 0:
            raise Failed(f"bitdarts-{name} for {at} ended with exit code {code}; its log is {at}/{name}.log\n" + said[-2000:])
        return self.time_of(name, at, said, time.monotonic() - began) if keep_time else None

    def time_of(self, name, at, said, seconds):
        path = os.path.join(self.root, at, name + ".seconds")
        if "up to date" not in said:
            with open(path, "w") as file:
                file.write("" if "resuming after" in said else f"{seconds:.1f}")
        elif not os.path.exists(path):
            return None
        with open(path) as file:
            text = file.read()
        return float(text) if text else None

    def said(self, *command):
        done = subprocess.run(command, text=True, capture_output=True, cwd=self.root, env=self.environment)
        if done.returncode != 0:
            raise Failed(done.stderr.strip() or " ".join(command) + " failed")
        return done.stdout

    def configuration(self, stage, options):
        """Resolved, "section.key" -> value."""
        values, section = {}, ""
        for line in self.said(self.program(stage), *options, "--print-config").splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif "=" in line:
                name, _, value = line.partition("=")
                values[f"{section}.{name.strip()}"] = value.strip().strip('"')
        return values

    def check(self, options):
        """Finds what is wrong with the options before anything is made."""
        try:
            configuration = self.configuration("search", options)
        except Failed as failure:
            print(failure, file=sys.stderr)
            sys.exit(2)
        if configuration["search.cost"] != "bops":
            print("search_quality: error: the uniform schemes are chosen by bit operations: search.cost = bops", file=sys.stderr)
            sys.exit(2)

    def attributes(self, path, group):
        """Attributes of a group of an HDF5 file, as text."""
        text = self.said("h5dump", "-A", "-y", "-m", "%.17g", "-g", group, path)
        own = re.split(r"\n\s*(?:GROUP|DATASET) ", text.split("GROUP", 1)[1])[0]  # not those of groups in it
        found = re.findall(r'ATTRIBUTE "(\w+)" \{.*?DATA \{\n\s*(.*?)\n\s*\}', own, re.S)
        return {name: value.strip('"') for name, value in found}

    def tables(self, path, count):
        """The scheme tables /schemes/<i>/table, blanks made one and comments left out: the same schemes have the same text."""
        for i in range(count):
            text = self.said("h5dump", "-y", "-d", f"/schemes/{i}/table", path)
            text = re.search(r'DATA \{\n\s*"(.*?)"\n', text, re.S).group(1)
            yield "".join(" ".join(line.split()) + "\n" for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))

    def read_search(self, path):
        facts, provenance = self.attributes(path, "/search"), self.attributes(path, "/provenance")
        schemes = {}
        for i, table in enumerate(self.tables(path, int(facts["budget_count"]))):
            one = self.attributes(path, f"/schemes/{i}")
            schemes[one["budget"]] = {"table": table, "capacity": int(one["capacity"]), "discrete_loss": one["discrete_loss"]}
        layers = [line.split()[0] for line in table.splitlines()]
        return {"schemes": schemes, "layers": layers, "steps": int(facts["steps"]), "full_cost": int(facts["full_cost"]),
                "key": provenance["key"]}

    def key(self, inputs, scheme, options, trained):
        """Of a measurement: changes with everything that may change its numbers, as the keys of products do; not with the revision."""
        configuration = self.configuration("evaluate", options)
        takes = trained and configuration["finetune.ranges"] == "searched" or configuration["finetune.from"] == "searched"
        names = ["tokens", "pretrained"] + (["searched"] if takes else [])
        facts = [name + " " + self.attributes(f"{inputs}/{name}.h5", "/provenance")["content_hash"] for name in names]
        facts += [f"{name} {value}" for name, value in sorted(configuration.items())
                  if name in OPTIONS or (name.partition(".")[0] in SECTIONS and name not in LEFT_OUT)]
        return hashlib.sha256("\n".join(facts + [scheme]).encode()).hexdigest()[:32]

    def read_result(self, at):
        found = self.attributes(f"{at}/finetuned.h5", "/finetune")
        evaluated, made = self.attributes(f"{at}/evaluation.h5", "/evaluation"), self.attributes(f"{at}/evaluation.h5", "/provenance")
        names = ("perplexity", "full_precision_perplexity", "bops_ratio", "bops_ratio_all", "mean_weight_bits", "mean_input_bits")
        return {"start_loss": found["start_loss"], "final_loss": found["final_loss"], **{name: evaluated[name] for name in names},
                "test_tokens": evaluated["tokens"], "revision": made["git_revision"], "ended": made["ended"]}

    def provenance(self, command, date, minutes, results):
        """Where, when and with what a table was made, for those who read it elsewhere."""
        with open("/proc/cpuinfo") as file:
            processor = re.search(r"model name\s*: (.*)|$", file.read()).group(1) or "unknown processor"
        try:
            revision = self.said("git", "rev-parse", "--short=12", "HEAD").strip()
            revision += " with changes" if self.said("git", "status", "--porcelain", "--untracked-files=no") else ""
        except (Failed, FileNotFoundError):
            revision = "unknown"
        blas = sorted(set(os.path.realpath(path) for path in re.findall(r"=> (\S*blas\S*)", self.said("ldd", self.program("search")))))
        told = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("OPENBLAS_")]
        programs = sorted(set(row["revision"] for row in results))
        return [f"{date}, revision {revision}; the numbers were measured by programs of revision {', '.join(programs) or '-'}. "
                f"This call took {minutes:.0f} minutes: what earlier ones measured is not measured again.",
                f"Machine: {os.cpu_count()} x {processor}; OMP_NUM_THREADS=1, one rank a process; {' '.join(blas)}; "
                f"{' '.join(told) or 'no OPENBLAS_ variables'}.",
                "", command_line("search_quality", command)]
