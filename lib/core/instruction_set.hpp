#pragma once
#include <type_traits>

namespace bitdarts {

/// What a hot kernel is compiled for. One binary serves every node of a cluster: each kernel is there once
/// per instruction set and chosen when the program runs. All of them do the same operations in the same
/// order, so the results agree bit for bit. (x86-64, x86-64-v3 and x86-64-v4; elsewhere there is the baseline
/// alone.)
enum class InstructionSet { baseline, avx2, avx512 };

/// Whether this processor, and this build, can run it.
bool is_supported(InstructionSet set);
InstructionSet best_instruction_set();
const char* name_of(InstructionSet set);  ///< "avx512", "avx2" or "baseline"

/// work(std::integral_constant of `set`): the set as a template argument.
template <class Work>
auto with_instruction_set(InstructionSet set, const Work& work) {
  using enum InstructionSet;
  if (set == avx512) return work(std::integral_constant<InstructionSet, avx512>{});
  if (set == avx2) return work(std::integral_constant<InstructionSet, avx2>{});
  return work(std::integral_constant<InstructionSet, baseline>{});
}

}  // namespace bitdarts
