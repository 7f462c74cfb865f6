#include "train/finite.hpp"

#include "core/error.hpp"

namespace bitdarts::train {
namespace {

[[noreturn]] void stop(const std::string& what, std::int64_t step, const std::string& where) {
  throw Error(
      what + " is not a finite number at step " + std::to_string(step), where,
      "a lower learning rate, or clipping gradients harder (clip_norm), in this stage or in the one that "
      "made its weights; the last checkpoint is kept");
}

void require_finite_site(const quant::Site& site, std::span<const double> alpha,
                         std::span<const double> theta, const std::string& prefix, std::int64_t step,
                         const std::string& stage) {
  const std::size_t n = site.candidates.size();
  const auto check = [&](std::span<const double> values, const std::string& what) {
    if (first_not_finite(values) < values.size()) stop(prefix + what, step, stage + ", " + label_of(site));
  };
  if (!alpha.empty()) check(alpha.subspan(site.alpha, n), "alpha");
  check(theta.subspan(site.range, n * static_cast<std::size_t>(site.channels)), "a step, clip or maximum");
  check(theta.subspan(site.offset, n), "an offset");
}

}  // namespace

void require_finite(double value, const std::string& what, std::int64_t step, const std::string& where) {
  if (!std::isfinite(value)) stop(what, step, where);
}

const quant::Site* first_not_finite_site(const quant::Bank& bank) {
  for (const auto& site : bank.sites)
    for (std::size_t i = site.range; i < site.offset + site.candidates.size(); ++i)
      if (!std::isfinite(bank.theta[i])) return &site;
  return nullptr;
}

std::string label_of(const quant::Site& site) {
  return (site.role == quant::Role::weight ? "weight quantizer of " : "input quantizer of ") + site.name;
}

void require_finite_gradients(const quant::Bank& bank, std::span<const double> alpha,
                              std::span<const double> theta, std::int64_t step, const std::string& stage) {
  for (const auto& site : bank.sites)
    require_finite_site(site, alpha, theta, "the gradient of ", step, stage);
}

void require_finite_bank(const quant::Bank& bank, std::int64_t step, const std::string& stage) {
  for (const auto& site : bank.sites) require_finite_site(site, bank.alpha, bank.theta, "", step, stage);
}

template <class Real>
std::vector<Real> read_finite(const store::File& file, const std::string& dataset,
                              const store::Shape& shape) {
  auto values = file.read<Real>(dataset, shape);
  if (const std::size_t bad = first_not_finite<Real>(values); bad < values.size()) {
    throw InputError("element " + std::to_string(bad) + " is not a finite number",
                     file.path().string() + ", " + dataset, "remove the file and make it again");
  }
  return values;
}
template std::vector<float> read_finite<float>(const store::File&, const std::string&, const store::Shape&);
template std::vector<double> read_finite<double>(const store::File&, const std::string&, const store::Shape&);

}  // namespace bitdarts::train
