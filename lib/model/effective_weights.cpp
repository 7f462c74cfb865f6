#include "model/effective_weights.hpp"

#include <algorithm>

namespace bitdarts::model {

std::size_t effective_size(const ParameterLayout& layout) {
  return layout.total + (layout.quantized_head ? layout.weight(*layout.quantized_head).size : 0);
}

std::size_t effective_begin(const ParameterLayout& layout, std::size_t linear) {
  return layout.is_head(linear) ? layout.total : layout.weight(linear).begin;
}

template <class Real>
void make_effective(const ParameterLayout& layout, std::span<const Real> parameters, quant::Bank* bank,
                    std::span<Real> effective) {
  std::copy(parameters.begin(), parameters.end(), effective.begin());
  for (std::size_t l = 0; l < layout.linears.size(); ++l) {
    const auto weight = weight_of(layout, parameters, l);
    const auto place = effective.subspan(effective_begin(layout, l), weight.size());
    if (bank) {
      const auto& site = bank->sites[bank->weight_site[l]];
      quant::refresh_weight_maxima<Real>(*bank, site, weight);
      quant::mix_weights<Real>(*bank, site, weight, place);
    } else if (layout.is_head(l)) {
      std::copy(weight.begin(), weight.end(), place.begin());
    }
  }
}

InputQuantizers input_quantizers(const quant::Bank& bank) {
  InputQuantizers quantizers;
  quantizers.sites.resize(bank.sites.size());
  quantizers.of_linear = bank.input_site;
  for (std::size_t i = 0; i < bank.sites.size(); ++i)
    if (bank.sites[i].role == quant::Role::input)
      quantizers.sites[i].candidates = quant::bound_candidates<double>(bank, bank.sites[i]);
  return quantizers;
}

template <class Real>
ParameterBuffer<Real>::ParameterBuffer(std::size_t elements, const at::Device& device)
    : flat_(at::zeros({static_cast<std::int64_t>(elements)},
                      at::TensorOptions().dtype(c10::CppTypeToScalarType<Real>::value).device(device))) {}

template <class Real>
at::Tensor ParameterBuffer<Real>::view(std::size_t begin, const std::vector<std::int64_t>& shape) const {
  std::int64_t size = 1;
  for (const auto n : shape) size *= n;
  return flat_.narrow(0, static_cast<std::int64_t>(begin), size).view(shape);
}

template void make_effective<float>(const ParameterLayout&, std::span<const float>, quant::Bank*,
                                    std::span<float>);
template void make_effective<double>(const ParameterLayout&, std::span<const double>, quant::Bank*,
                                     std::span<double>);
template class ParameterBuffer<float>;
template class ParameterBuffer<double>;

}  // namespace bitdarts::model
