#include <map>
#include <set>

#include "chain/stages.hpp"
#include "config/nearest.hpp"
#include "config/options_table.hpp"
#include "config_test.hpp"

using namespace bitdarts;
using namespace config_test;
using Catch::Matchers::Contains;

TEST_CASE(
    "the command line comes before the environment, the environment before the file, the file before the "
    "default") {
  const TemporaryIni ini("[search]\nsteps = 101\nlog_every = 11\nwarmup_steps = 7\n");
  const std::vector<std::string> environment{"BITDARTS_SEARCH_STEPS=102", "BITDARTS_SEARCH_LOG_EVERY=12",
                                             "HOME=/root"};
  const auto config = parse({"--config", ini.path(), "--search.steps=103"}, environment).config;
  CHECK(config.search.steps == 103);
  CHECK(config.search.log_every == 12);
  CHECK(config.search.warmup_steps == 7);
  CHECK(config.quantizer.calibration_sequences == config::QuantizerOptions{}.calibration_sequences);
}

TEST_CASE("of two values on the command line the last one counts") {
  CHECK(parse({"--search.steps=300", "--search.steps", "400"}).config.search.steps == 400);
}

TEST_CASE("an unknown key is refused with file, line and the nearest valid key") {
  const TemporaryIni ini("# a comment\n[search]\nsetps = 10\n");
  const std::string message = complaint_about({"--config", ini.path()});
  CHECK_THAT(message, Contains(ini.path() + ":3") && Contains("search.setps") && Contains("search.steps?"));
  CHECK_THAT(complaint_about({"--serch.order=first"}), Contains("search.order?") && Contains("command line"));
  CHECK_THAT(complaint_about({"--ordre=first"}), Contains("search.order?"));
  CHECK_THAT(complaint_about({"--force_=1"}), Contains("run.force or force?"));
  CHECK_THAT(complaint_about({}, {"BITDARTS_SEARCH_STEP=4"}), Contains("BITDARTS_SEARCH_STEPS?"));
  CHECK_THAT(complaint_about_ini("[serch]\n"), Contains("unknown section [serch]") && Contains("search?"));
  CHECK_THAT(complaint_about({"--completely.different=1"}), Contains("see --help"));
}

TEST_CASE("a value of the wrong type is refused by name, value and place") {
  CHECK_THAT(complaint_about_ini("[search]\n\nsteps = many\n"),
             Contains("search.steps = many") && Contains("whole number") && Contains(".ini:3"));
  CHECK_THAT(complaint_about({"--search.steps=1.5"}), Contains("whole number"));
  CHECK_THAT(complaint_about({"--search.steps="}), Contains("whole number"));
  CHECK_THAT(complaint_about({"--search.steps=99999999999999999999"}), Contains("whole number"));
  CHECK_THAT(complaint_about({"--search.temperature=warm"}), Contains("a number"));
  CHECK_THAT(complaint_about({"--search.temperature=1,5"}), Contains("a number"));
  CHECK_THAT(complaint_about({"--search.temperature=nan"}), Contains("finite"));
  CHECK_THAT(complaint_about({}, {"BITDARTS_RUN_FORCE=maybe"}),
             Contains("true or false") && Contains("environment variable BITDARTS_RUN_FORCE"));
  CHECK_THAT(complaint_about({"--search.order=third"}), Contains("one of: first, second"));
  CHECK_THAT(complaint_about_ini("[data]\ntext = \"open\n"), Contains("quotes closed"));
}

TEST_CASE("an INI file that cannot mean anything is refused") {
  CHECK_THAT(complaint_about_ini("steps = 3\n"), Contains("before the first [section]"));
  CHECK_THAT(complaint_about_ini("[search]\nsteps\n"), Contains("neither [section] nor key = value"));
  CHECK_THAT(complaint_about_ini("[search]\nsteps = 300\norder = first\nsteps = 400\n"),
             Contains("twice") && Contains(":2 and ") && Contains(":4"));
  for (const std::string mark : {"\xFF\xFE", "\xFE\xFF"})
    CHECK_THAT(complaint_about_ini(mark + "[search]\n"), Contains("UTF-16") && Contains("iconv"));
  CHECK_THAT(complaint_about({"--config", "/nowhere.ini"}), Contains("/nowhere.ini"));
  CHECK_THAT(complaint_about({"--config", "/tmp"}), Contains("cannot be read"));
  CHECK_THAT(complaint_about({"--config=a.ini", "--config=b.ini"}), Contains("twice"));
  CHECK_THAT(complaint_about({"quickstart.ini"}), Contains("unexpected argument quickstart.ini"));
  CHECK_THAT(complaint_about({"--search.steps"}), Contains("search.steps"));
}

TEST_CASE("comments, blanks, quotes and both list separators are understood") {
  const TemporaryIni ini(
      "\xEF\xBB\xBF; first\n[data]\r\n  text = a.txt, \"two words.txt\"\t\"say \\\"#1\\\".txt\" b.txt  # "
      "four files\n"
      "[ search ]\nweight_candidates=lsq+:4,pact:8 fp32#no\n");
  const std::string message = complaint_about({"--config", ini.path()});
  CHECK_THAT(message, Contains("fp32#no"));  // a comment needs a blank before it
  const auto config = parse({"--data.text=a.txt, \"two words.txt\"\t\"say \\\"#1\\\".txt\" b.txt"}).config;
  CHECK(config.data.text == std::vector<std::string>{"a.txt", "two words.txt", "say \"#1\".txt", "b.txt"});
  const TemporaryIni commented("[data]\ntext = a.txt  # one \"file\"\n");
  CHECK(parse({"--config", commented.path()}).config.data.text == std::vector<std::string>{"a.txt"});
}

TEST_CASE("the short forms mean their run options") {
  const auto run =
      parse({"--out=results/x", "--in", "results/y", "--force", "--quiet", "--resume=never"}).config.run;
  CHECK(run.out == "results/x");
  CHECK(run.in == "results/y");
  CHECK(run.force);
  CHECK(run.quiet);
  CHECK(run.resume == "never");
  CHECK_FALSE(parse({"--force", "--force=false"}).config.run.force);
}

TEST_CASE("what --print-config prints is read back to the same configuration") {
  // Values that are awkward to print: no short decimal, blanks, quotes, hashes, emptiness.
  const auto first =
      parse({"--print-config", "--pretrain.learning_rate=0.1000000000000000055511151231257827",
             "--quantizer.clip_decay=1e-300", "--search.error_weight=0.3333333333333333",
             "--run.out=some where #1", "--in=say \"hi\"", "--search.weight_candidates=lsq+:3 fp32",
             "--data.text=\"a b.txt\" c,d \"\\\\\"", "--force"});
  REQUIRE(first.action == config::Command::Action::print_config);
  const TemporaryIni ini(first.text);
  const auto second = parse({"--config", ini.path()});
  CHECK(config::to_ini(second.config) == first.text);
  CHECK(config::to_ini(config::from_ini(first.text, "memory")) == first.text);
  CHECK(second.config.search.error_weight == 0.3333333333333333);
  CHECK(second.config.quantizer.clip_decay == 1e-300);
  CHECK(second.config.run.out == "some where #1");
  CHECK(second.config.run.in == "say \"hi\"");
  CHECK(second.config.run.force);
  CHECK(second.config.data.text == std::vector<std::string>{"a b.txt", "c", "d", "\\"});
}

TEST_CASE("every option is in the help with its default, is printed, and can be set in each way") {
  config::Config defaults;
  const std::string help = parse({"--help"}).text;
  const std::string ini = config::to_ini(defaults);
  for (const config::Option& option : config::options_table(defaults)) {
    INFO(option.name());
    const std::string value = config::printed(option);
    CHECK_THAT(help, Contains("--" + option.name() + "=" + value));
    CHECK_THAT(ini, Contains("\n" + option.key + " ="));
    CHECK(option.help.size() >= 4);
    CHECK(complaint_about({"--" + option.name() + "=" + value}, {option.environment_name() + "=" + value})
              .empty());
  }
}

TEST_CASE("the table binds every field of every struct once") {
  config::Config config;
  std::map<std::string, std::size_t> bytes;
  std::set<const void*> fields;
  for (const config::Option& option : config::options_table(config)) {
    INFO(option.name());
    std::visit(
        [&](auto* field) {
          bytes[option.section] += sizeof(*field);
          CHECK(fields.insert(field).second);
        },
        option.field);
  }
  // What no option is bound to can only be the padding beside a bool: less than one number.
  CHECK(sizeof(config.data) - bytes["data"] < sizeof(double));
  CHECK(sizeof(config.tokenizer) - bytes["tokenizer"] < sizeof(double));
  CHECK(sizeof(config.model) - bytes["model"] < sizeof(double));
  CHECK(sizeof(config.pretrain) - bytes["pretrain"] < sizeof(double));
  CHECK(sizeof(config.quantizer) - bytes["quantizer"] < sizeof(double));
  CHECK(sizeof(config.search) - bytes["search"] < sizeof(double));
  CHECK(sizeof(config.finetune) - bytes["finetune"] < sizeof(double));
  CHECK(sizeof(config.evaluate) - bytes["evaluate"] < sizeof(double));
  CHECK(sizeof(config.report) - bytes["report"] < sizeof(double));
  const std::size_t own = bytes["slurm"] - config.slurm.stages.size() * sizeof(std::string);
  CHECK(config.slurm.stages.size() == chain::names_of_steps().size());
  CHECK(sizeof(config.slurm) - sizeof(config.slurm.stages) - own < sizeof(double));
  CHECK(sizeof(config.run) - bytes["run"] < sizeof(double));
}

TEST_CASE("the help of every stage says what it is for") {
  for (const chain::Stage& stage : chain::stages()) {
    const std::string help = config::parse(stage.name, {"--help"}, {}).text;
    CHECK_THAT(help, Catch::Matchers::StartsWith(chain::program_of(stage) + ": " + stage.purpose));
  }
}

TEST_CASE("help can be asked for one section, and needs no valid environment or file") {
  const std::string section = parse({"--help=model"}, {"BITDARTS_NONSENSE=1"}).text;
  CHECK_THAT(section, Contains("--model.dim=256") && !Contains("--search.steps"));
  CHECK(parse({"--help", "model"}).text == section);
  CHECK_THAT(complaint_about({"--help=modle"}), Contains("did you mean model?"));
  CHECK_THAT(parse({"--version"}).text, Contains("bitdarts-search "));
}

TEST_CASE("a swap of neighbours is one edit") {
  CHECK(config::edit_distance("steps", "setps") == 1);
  CHECK(config::edit_distance("", "abc") == 3);
  CHECK(config::edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("what a product of an earlier build records is read by the names of today") {
  const std::string earlier =
      "[search]\nweight_scale = channel\ntie = shared-input\ncalibration_sequences = 7\nspend = true\nsteps "
      "= 90\n";
  const auto config = config::from_product(earlier, "tokens.h5");
  CHECK(config.quantizer.weight_scale == "channel");
  CHECK(config.quantizer.tie == "shared-input");
  CHECK(config.quantizer.calibration_sequences == 7);
  CHECK(config.search.steps == 90);
  CHECK_THROWS_AS(config::from_ini(earlier, "run.ini"), ConfigError);  // a person is told the new names
  CHECK_THROWS_AS(config::from_product("[search]\nnonsense = 1\n", "tokens.h5"), ConfigError);
}
