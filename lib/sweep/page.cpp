#include "sweep/page.hpp"

#include <algorithm>

#include "report/csv.hpp"
#include "report/html.hpp"
#include "report/measures.hpp"
#include "sweep/choices.hpp"

namespace bitdarts::sweep {
namespace {

using report::escaped;
using report::fixed;
using report::percent;

// Sorts a table by the column whose title is clicked: numbers by size (data-v, or the text), others by
// letters and the numbers among them (w4a8 before w10a8), what has no value last; a second click turns it
// round, and lines that are equal stay in their order. Without scripts the table stays as it is.
const char* const script = R"js(<script>
document.querySelectorAll('table.sortable').forEach(function (table) {
  var body = table.tBodies[0], titles = Array.prototype.slice.call(table.tHead.rows[0].cells);
  function value(row, i) {
    var cell = row.cells[i], text = cell.dataset.v === undefined ? cell.textContent : cell.dataset.v;
    return text === '' || text === '-' ? null : isNaN(text) ? text : Number(text);
  }
  function compare(x, y) {
    if (typeof x === 'number' && typeof y === 'number') return x - y;
    return String(x).localeCompare(String(y), 'en', {numeric: true});
  }
  titles.forEach(function (title, i) {
    title.style.cursor = 'pointer';
    title.title = 'sort by this column';
    title.addEventListener('click', function () {
      var sign = title.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
      titles.forEach(function (other) { other.removeAttribute('aria-sort'); });
      title.setAttribute('aria-sort', sign > 0 ? 'ascending' : 'descending');
      Array.prototype.slice.call(body.rows).sort(function (a, b) {
        var x = value(a, i), y = value(b, i);
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * compare(x, y);
      }).forEach(function (row) { body.appendChild(row); });
    });
  });
});
</script>
)js";

// A cell with the number that it is sorted by.
std::string cell(const std::string& text, double value = NAN) {
  if (!std::isfinite(value)) return "<td>" + escaped(text) + "</td>";
  return "<td data-v=\"" + report::csv_number(value) + "\">" + escaped(text) + "</td>";
}

std::string table(const std::vector<std::string>& header, const std::string& rows) {
  std::string html = "<div class=\"scroll\"><table class=\"sortable\">\n<thead><tr>";
  for (const std::string& title : header) html += "<th>" + escaped(title) + "</th>";
  return html + "</tr></thead>\n<tbody>\n" + rows + "</tbody></table></div>\n";
}

std::string value_in(const std::vector<std::pair<std::string, std::string>>& settings,
                     const std::string& key) {
  for (const auto& [name, value] : settings)
    if (name == key) return value.empty() ? "\"\"" : value;
  return "-";
}

// The number as people read it, with the exact one to sort by.
std::string measured(const report::EvaluatedModel& model, double report::EvaluatedModel::*value) {
  const report::Measure& measure = report::measure_of(value);
  return cell(measure.shown(model), measure.of(model));
}

double report::EvaluatedModel::*cost_in(const Results& results) {
  return results.by_size ? &report::EvaluatedModel::size_ratio : &report::EvaluatedModel::bops_ratio;
}

std::string against_rival(const Group& group) {
  if (group.rival.empty()) return "<td>-</td><td>-</td>";
  return cell(group.rival + " (" + fixed(group.rival_perplexity, 3) + ")") +
         cell(verdict_of(group), group.change.mean);
}

std::string groups_html(const Results& results) {
  std::vector<std::string> header;
  for (const std::string& key : results.keys)
    if (key != "run.seed") header.push_back(key);
  const auto keys = header;
  using M = report::EvaluatedModel;
  const auto title = [](double M::*value) { return report::measure_of(value).title; };
  header.insert(header.end(), {"front", "runs", title(&M::perplexity), title(cost_in(results)),
                               title(&M::bops_ratio_all), "best rival within its budget", "against it",
                               title(&M::weight_bits), title(&M::input_bits), title(&M::kl_divergence),
                               title(&M::top1_agreement), title(&M::bits_per_byte), title(&M::model_bytes)});
  std::string rows;
  for (const Group& group : results.groups) {
    rows += group.on_front ? "<tr class=\"searched\">" : "<tr>";
    for (const std::string& key : keys) rows += cell(value_in(group.settings, key));
    const std::string runs = std::to_string(group.tasks.size()) +
                             (group.tasks.size() < group.all ? " of " + std::to_string(group.all) : "");
    rows += cell(group.on_front ? "●" : "", group.on_front ? 0 : 1) +
            cell(runs, static_cast<double>(group.tasks.size())) +
            cell(in_words(group.perplexity, 3), group.perplexity.mean) +
            cell(percent(group.cost.mean, 3), group.cost.mean) + measured(group.mean, &M::bops_ratio_all) +
            against_rival(group) + measured(group.mean, &M::weight_bits) +
            measured(group.mean, &M::input_bits) +
            cell(in_words(group.divergence, 4), group.divergence.mean) +
            measured(group.mean, &M::top1_agreement) +
            cell(in_words(group.bits_per_byte, 4), group.bits_per_byte.mean) +
            measured(group.mean, &M::model_bytes) + "</tr>\n";
  }
  for (const FullPrecision& full : results.full_precision) {
    rows += "<tr>";
    for (std::size_t i = 0; i < keys.size(); ++i)
      rows +=
          cell(i > 0 ? "-" : "full precision" + (full.settings.empty() ? "" : " (" + full.settings + ")"));
    rows += (keys.empty() ? cell("full precision") : cell("", 2)) +
            cell(std::to_string(full.perplexity.count), static_cast<double>(full.perplexity.count)) +
            cell(in_words(full.perplexity, 3), full.perplexity.mean) + cell(percent(1, 3), 1) +
            cell(percent(1), 1) + cell("-") + cell("-") + cell("32.00") + cell("32.00") + cell("0") +
            cell("100%", 1) + cell(in_words(full.bits_per_byte, 4), full.bits_per_byte.mean) + cell("-") +
            "</tr>\n";
  }
  return "<p>Each line is the mean over the runs with different seeds, ± their standard deviation. A "
         "searched "
         "line stands against the rival with the lowest mean perplexity of all that cost no more than its "
         "budget: other strategies, uniform schemes, tables by hand. Each seed is compared with itself, and "
         "the change is the mean of these ± their standard deviation. Within two standard errors over the "
         "seeds there is no difference; of one seed alone, ± is the standard error over the windows of the "
         "test part. A line with runs missing is over fewer seeds and is on no front.</p>\n" +
         table(header, rows);
}

std::string tasks_html(const Results& results) {
  std::vector<std::string> header{"task"};
  const bool named = std::any_of(results.tasks.begin(), results.tasks.end(),
                                 [](const TaskResult& result) { return !result.task.name.empty(); });
  if (named) header.emplace_back("name");
  header.insert(header.end(), results.keys.begin(), results.keys.end());
  using M = report::EvaluatedModel;
  const auto numbers = {&M::perplexity, cost_in(results), &M::weight_bits, &M::input_bits, &M::kl_divergence};
  for (const auto value : numbers) header.push_back(report::measure_of(value).title);
  header.emplace_back("state");
  std::string rows;
  for (const TaskResult& result : results.tasks) {
    const std::string id = escaped(result.task.id);
    rows += result.model ? "<tr>" : "<tr class=\"incomparable\">";
    rows += result.has_report ? "<td><a href=\"../tasks/" + id + "/report/report.html\">" + id + "</a></td>"
                              : "<td>" + id + "</td>";
    if (named) rows += cell(result.task.name.empty() ? "-" : result.task.name);
    for (const std::string& key : results.keys) rows += cell(value_in(result.task.settings, key));
    const report::EvaluatedModel model = result.model.value_or(report::EvaluatedModel{});
    for (const auto value : numbers) rows += measured(model, value);
    rows += cell(result.model ? "done" : result.missing) + "</tr>\n";
  }
  return table(header, rows);
}

// A bar behind the number shows the share.
std::string share_cell(int count, int all) {
  if (count == 0) return "<td data-v=\"0\">·</td>";
  const std::string share = fixed(100.0 * count / all, 0);
  return "<td style=\"background:linear-gradient(90deg,var(--blue-faint) " + share + "%,transparent " +
         share + "%)\" data-v=\"" + std::to_string(count) + "\">" + std::to_string(count) + " (" + share +
         "%)</td>";
}

std::string choices_table(const Choices& choices, bool weights) {
  std::vector<std::string> header{weights ? "weights" : "inputs"};
  for (const std::string& kind : choices.kinds) header.push_back(kind);
  std::string rows;
  for (const auto& candidate : choices.candidates) {
    const std::string name = quant::to_string(candidate);
    std::string row;
    int sum = 0;
    for (const std::string& kind : choices.kinds) {
      const auto& counts = (weights ? choices.weights : choices.inputs).at(kind);
      const int count = counts.contains(name) ? counts.at(name) : 0;
      sum += count;
      row += share_cell(count, choices.layers(kind));
    }
    if (sum > 0) rows += "<tr>" + cell(name) + row + "</tr>\n";
  }
  return table(header, rows);
}

std::vector<const quant::Scheme*> schemes_of(const Results& results, const Group& group) {
  std::vector<const quant::Scheme*> schemes;
  for (const std::size_t i : group.tasks)
    if (results.tasks[i].model->role == report::EvaluatedModel::Role::searched)
      schemes.push_back(&results.tasks[i].scheme);
  return schemes;
}

std::string choices_html(const Results& results) {
  std::vector<const quant::Scheme*> all;
  std::string by_setting;
  for (const Group& group : results.groups) {
    const auto schemes = schemes_of(results, group);
    all.insert(all.end(), schemes.begin(), schemes.end());
    if (schemes.empty()) continue;
    const Choices choices = choices_of(schemes);
    by_setting += report::folded(label_of(group) + ": " + std::to_string(schemes.size()) + " schemes",
                                 choices_table(choices, true) + choices_table(choices, false));
  }
  if (all.empty()) return {};
  const Choices choices = choices_of(all);
  return "<p>How many layers of each kind took which candidate, in all " + std::to_string(all.size()) +
         " searched schemes; the share is of the layers of that kind.</p>\n" + choices_table(choices, true) +
         choices_table(choices, false) + by_setting;
}

std::string missing_html(const Results& results) {
  std::string items;
  std::size_t count = 0;
  for (const TaskResult& result : results.tasks) {
    if (result.model) continue;
    ++count;
    items += "<li>" + escaped(result.task.id) + ": " + escaped(result.missing) + "</li>\n";
  }
  for (const std::string& problem : results.problems) items += "<li>" + escaped(problem) + "</li>\n";
  if (items.empty()) return {};
  return "<div class=\"problems\"><strong>" + std::to_string(count) + " of " +
         std::to_string(results.tasks.size()) + " tasks have no result</strong><ul>\n" + items +
         "</ul></div>\n";
}

}  // namespace

std::string sweep_page(const Results& results) {
  const std::string front = report::figure(report::draw(front_chart(results)), "Perplexity over cost",
                                           "Lower is better, and so is further left. What is on the green "
                                           "line is beaten by nothing here at its cost "
                                           "or below.");
  const std::pair<const char*, std::pair<const char*, std::string>> parts[] = {
      {"front", {"Pareto front", front}},
      {"settings", {"Settings", groups_html(results)}},
      {"choices", {"What was chosen", choices_html(results)}},
      {"tasks", {"Tasks", tasks_html(results)}}};
  std::string links, sections;
  for (const auto& [id, part] : parts) {
    if (part.second.empty()) continue;
    links += "<a href=\"#" + std::string(id) + "\">" + part.first + "</a>\n";
    sections += report::section(id, part.first, part.second);
  }
  return report::page("bitdarts: " + results.name,
                      "<header>\n<p class=\"over\">bitdarts sweep</p>\n<h1>" + escaped(results.name) +
                          "</h1>\n</header>\n<nav>\n" + links + "</nav>\n<div class=\"verdict open\"><p>" +
                          escaped(summary_in_words(results)) + "</p></div>\n" + missing_html(results) +
                          sections +
                          "<footer>Made by bitdarts-report. Beside this page are tasks.csv, a line a task "
                          "with all of this, and settings.csv, the means over seeds.</footer>\n" +
                          script);
}

}  // namespace bitdarts::sweep
