#include "report/measures.hpp"

#include "core/error.hpp"
#include "report/format.hpp"

namespace bitdarts::report {
namespace {

std::string two_decimals(double number) { return fixed(number, 2); }
std::string three_decimals(double number) { return fixed(number, 3); }
std::string four_decimals(double number) { return fixed(number, 4); }
std::string megabytes(double number) { return fixed(number / 1e6, 3); }
std::string rough_percent(double number) { return percent(number); }
std::string fine_percent(double number) { return percent(number, 3); }

}  // namespace

const std::vector<Measure>& measures() {
  using M = EvaluatedModel;
  static const std::vector<Measure> all{
      {"perplexity", "perplexity", &M::perplexity, three_decimals},
      {"nll", "loss [nats]", &M::nll, four_decimals},
      {"bits_per_byte", "bits per byte", &M::bits_per_byte, four_decimals},
      {"kl_divergence", "KL [nats]", &M::kl_divergence, four_decimals},
      {"top1_agreement", "top-1 agrees", &M::top1_agreement, rough_percent},
      {"mean_weight_bits", "bits per weight", &M::weight_bits, two_decimals},
      {"mean_weight_bits_all", "with embeddings", &M::weight_bits_all, two_decimals},
      {"mean_input_bits", "bits per input", &M::input_bits, two_decimals},
      {"model_bytes", "model [MB]", &M::model_bytes, megabytes},
      {"quantized_weight_bytes", "quantized weights [MB]", &M::quantized_bytes, megabytes},
      {"compression_ratio", "times smaller", &M::compression_ratio, two_decimals},
      {"bops_ratio", "BOPs ratio", &M::bops_ratio, fine_percent},
      {"bops_ratio_all", "with the output head", &M::bops_ratio_all, rough_percent},
      {"size_ratio", "size ratio", &M::size_ratio, fine_percent}};
  return all;
}

const Measure& measure_of(double EvaluatedModel::*value) {
  for (const Measure& measure : measures())
    if (measure.value == value) return measure;
  throw Error("the tables have no column for this number");
}

}  // namespace bitdarts::report
