#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace bitdarts::chain {

// The one table of stages. A new stage is a row here and a file in stages/: help, status, drivers, sweeps and
// the scripts of the cluster follow. One that takes other inputs than its row says, or has a key of more than
// options and inputs, says so in stage/descriptions.cpp.

struct Stage {
  /// How often a pipeline makes the product.
  enum class Times {
    once,        ///< for all schemes: tokens, the pretrained model
    per_search,  ///< one for each strategy that finds schemes
    per_scheme,  ///< one for each scheme, in its folder
    spare,       ///< optional, once: what several starts of the stage `spares` would each compute again
    page         ///< at the end, of everything there is; no product
  };
  std::string name;                 ///< "search": its program is bitdarts-search
  std::string product;              ///< "searched" is searched.h5; empty: none
  std::int64_t schema_version = 1;  ///< of the product
  Times times = Times::once;
  std::vector<std::string> inputs;    ///< products of earlier stages, by name
  std::vector<std::string> sections;  ///< of the configuration, whose options make the product what it is
  std::string purpose;                ///< for --help
  std::string loss{};  ///< where its files have the last loss: a series, or GROUP@ATTRIBUTE; empty: nowhere
  std::string shown =
      "loss";            ///< the value of its lines of progress that is this loss; one called loss always is
  std::string spares{};  ///< of a spare one: the stage that has the same result without it
  bool learns = false;   ///< takes steps, [name] steps of them, and saves checkpoints
  bool is_work = true;   ///< its work is in stages/work/, with LibTorch, loaded when there is some to do
  bool parallel = true;  ///< runs on several MPI ranks
};

/// In the order in which a pipeline makes them.
const std::vector<Stage>& stages();

/// The row of a stage; Error when there is none of this name.
const Stage& stage_called(const std::string& name);
/// The same, or nullptr.
const Stage* find_stage(const std::string& name);
/// The row of the stage that makes the product called "searched", or "finetuned-sensitivity": what follows a
/// '-' tells several of one kind apart. Error when there is none.
const Stage& maker_of(const std::string& product_name);
/// Its executable ("pretrained" -> "bitdarts-pretrain").
std::string program_of(const Stage& stage);
/// "searched.h5".
std::string file_of(const Stage& stage);
/// Where a stage stands in stages(). Error when there is none.
std::size_t position_of(const std::string& name);
/// Those that a pipeline can begin or end with: "tokenize pretrain ... report".
std::vector<std::string> names_of_steps();

}  // namespace bitdarts::chain
