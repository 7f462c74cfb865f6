"""Of tests/bench/search_quality: from the numbers of all runs to tables, differences and verdicts."""
import csv, math, statistics

COLUMNS = ["problem", "seed", "strategy", "budget", "chosen", "scheme", "bops_ratio", "bops_ratio_all", "mean_weight_bits", "mean_input_bits",
           "discrete_loss", "start_loss", "final_loss", "perplexity", "full_precision_perplexity", "test_tokens", "search_seconds",
           "search_steps", "search_key", "key", "revision", "ended"]
BEST = "best uniform"
SCARCE = ("0.4883%", "w2a3")  # where bits are scarce the search has to be ahead, elsewhere level
AHEAD = 5  # percent


def best_uniform(results):
    """Of a problem, seed and budget: the uniform scheme with the lowest loss on the search part after finetuning. The test part has no say."""
    groups = {}
    for row in results:
        if row["strategy"].partition(":")[0] == "uniform":
            groups.setdefault((row["problem"], row["seed"], row["budget"]), []).append(row)
    best = [min(rows, key=lambda row: float(row["final_loss"])) for rows in groups.values()]
    return [{**row, "strategy": BEST, "chosen": row["strategy"]} for row in best]


def write_csv(path, results):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(results + best_uniform(results))


class Outcome:
    """Test perplexities of one problem, (strategy, budget) -> seed -> perplexity."""

    def __init__(self, results, problem, strategies, budgets):
        self.results = [row for row in results if row["problem"] == problem]
        self.budgets, self.perplexity = budgets, {}
        for row in self.results + best_uniform(self.results):
            self.perplexity.setdefault((row["strategy"], row["budget"]), {})[row["seed"]] = float(row["perplexity"])
        self.strategies = strategies + ([BEST] if "uniform" in strategies else [])
        # A variant (sensitivity-recovery) has its lines in the tables, but is no way that anybody has without this search.
        self.rivals = [strategy for strategy in self.strategies if strategy != "darts" and "-" not in strategy]

    def of(self, strategy, budget):
        return self.perplexity.get((strategy, budget), {})

    def differences(self, rival, budget):
        """Of darts from a rival [%], a number a seed that both have; negative where darts is better."""
        darts, other = self.of("darts", budget), self.of(rival, budget)
        return [100 * (darts[seed] / other[seed] - 1) for seed in sorted(darts) if seed in other]

    def of_means(self, rival, budget):
        """Difference of the means over those seeds [%]; None where there are none."""
        darts, other = self.of("darts", budget), self.of(rival, budget)
        both = [seed for seed in darts if seed in other]
        return 100 * (sum(darts[s] for s in both) / sum(other[s] for s in both) - 1) if both else None

    def best_rival(self, budget):
        known = [rival for rival in self.rivals if self.of_means(rival, budget) is not None]
        return max(known, key=lambda rival: self.of_means(rival, budget), default=None)


def error_of(values):
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def markdown(header, rows):
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *("| " + " | ".join(row) + " |" for row in rows)]


def spread(values, seeds):
    """mean ± sd over seeds, and of how many where some are missing."""
    if not values:
        return "-"
    text = f"{statistics.mean(values):.3f}" + (f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else "")
    return text if len(values) == seeds else f"{text} ({len(values)} of {seeds})"


def signed(mean, error):
    return f"{mean:+.2f}" + (f" ± {error:.2f}" if error is not None else "") + " %"


def name_of(budget):
    return "5 operations (0.4883 %)" if budget == "0.4883%" else budget


def perplexities(outcome, seeds):
    full = {row["seed"]: float(row["full_precision_perplexity"]) for row in outcome.results}
    rows = [["full precision: " + spread(list(full.values()), seeds), *[""] * len(outcome.budgets)]]
    for strategy in outcome.strategies:
        cells = [spread(list(outcome.of(strategy, budget).values()), seeds) for budget in outcome.budgets]
        rows.append([f"**{strategy}**" if strategy == "darts" else strategy, *cells])
    return markdown(["test perplexity", *map(name_of, outcome.budgets)], rows)


def comparisons(outcome):
    best = {budget: outcome.best_rival(budget) for budget in outcome.budgets}
    rows = []
    for rival in outcome.strategies:
        if rival == "darts":
            continue
        cells = []
        for budget in outcome.budgets:
            values = outcome.differences(rival, budget)
            text = signed(statistics.mean(values), error_of(values)) if values else "-"
            cells.append(f"**{text}**" if rival == best[budget] else text)
        rows.append([rival, *cells])
    rows.append(["best rival", *[best[budget] or "-" for budget in outcome.budgets]])
    return markdown(["darts against", *map(name_of, outcome.budgets)], rows)


def level(outcome, rival, budget):
    """(measured, is darts below the rival, or level with it within two standard errors?)"""
    values = outcome.differences(rival, budget)
    mean, error = statistics.mean(values), error_of(values)
    return signed(mean, error), mean <= 2 * (error or 0)


def targets(outcome):
    """Lines of target, budget, against whom, measured, verdict."""
    rows = []

    def add(target, budget, rival, measured, met):
        rows.append([target, name_of(budget), rival, measured, "MET" if met else "MISSED"])
    for budget in outcome.budgets:
        rival = outcome.best_rival(budget)
        if rival is None:
            continue
        if budget in SCARCE:
            mean = outcome.of_means(rival, budget)
            add(f"mean below every rival's by {AHEAD} %", budget, rival, signed(mean, None), mean <= -AHEAD)
        else:
            add("below the best rival or level", budget, rival, *level(outcome, rival, budget))
    for budget in outcome.budgets:
        mean = outcome.of_means(BEST, budget)
        if mean is not None:
            add("mean not above uniform's", budget, BEST, signed(mean, None), mean <= 0)
    for budget in outcome.budgets:
        if outcome.differences("darts-lsq+", budget):
            add("all methods no worse than lsq+ alone", budget, "darts-lsq+", *level(outcome, "darts-lsq+", budget))
    return markdown(["target", "budget", "against", "darts against it", ""], rows)


def times(outcome, jobs):
    """What a search took, also in steps of the same seed's search by darts."""
    searches = {}
    for row in outcome.results:
        if row.get("search_seconds"):
            searches.setdefault(row["strategy"], {})[row["seed"]] = (float(row["search_seconds"]), int(row["search_steps"]))
    steps = {seed: seconds / count for seed, (seconds, count) in searches.get("darts", {}).items()}
    rows = []
    for strategy in outcome.strategies:
        found = searches.get(strategy, {})
        if found:
            relative = [seconds / steps[seed] for seed, (seconds, _) in found.items() if seed in steps]
            rows.append([strategy, f"{statistics.mean(seconds for seconds, _ in found.values()):.0f}",
                         f"{statistics.mean(relative):.0f}" if relative else "-"])
    return markdown(["search of all budgets", f"seconds ({jobs} processes at a time)", "in steps of darts"], rows)


def page(results, problems, arguments, provenance):
    seeds, text = len(arguments.seeds), ["# Does the search find better schemes than cheaper ways to choose?", ""]
    text += ["Every scheme had the same finetuning from the same pretrained weights. A seed changes pretraining, search and finetuning; ± is the",
             "standard deviation over seeds in perplexities, the standard error of the seeds' paired differences in differences (negative: darts",
             "is better; bold: the best rival, that of the lowest mean). Best uniform: of the uniform scheme that its strategy chose and all",
             "uniform lsq+ schemes within the budget, the one with the lowest loss on the search part after finetuning. Level: not above by",
             "more than two standard errors; with one seed there is none, and level is not above.", ""]
    for problem in problems:
        outcome = Outcome(results, problem, arguments.strategies, arguments.budgets)
        missing = sum(seeds - len(outcome.of(strategy, budget)) for strategy in outcome.strategies for budget in outcome.budgets)
        text += [f"## {problem}", "", *perplexities(outcome, seeds), ""]
        if missing:
            text += [f"{missing} of {seeds * len(outcome.strategies) * len(outcome.budgets)} runs are missing.", ""]
        if "darts" in outcome.strategies:
            text += [*comparisons(outcome), "", *targets(outcome), ""]
        text += [*times(outcome, arguments.jobs), ""]
    return "\n".join(text + ["## How it was made", "", *provenance]) + "\n"
