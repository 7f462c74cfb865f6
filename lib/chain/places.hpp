#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace bitdarts::chain {

// Where things lie: a pipeline's products in its folder, those of each other scheme in a folder of its own
// below baselines/, with the searched.h5 of a strategy in that of its name.

/// The folder that has those of the other schemes.
std::filesystem::path baselines_in(const std::filesystem::path& folder);
/// "<folder>/baselines/<name>": see config::baseline_folder() for the name of a scheme's.
std::filesystem::path baseline_place(const std::filesystem::path& folder, const std::string& name);
/// The other way round: the name of the scheme's folder that a product or input lies in; nullopt when it is
/// in none.
std::optional<std::string> baseline_with(const std::filesystem::path& file);
/// What the baseline is called where the folder of the pipeline is known: "baselines/<name>".
std::string baseline_label(const std::string& name);

}  // namespace bitdarts::chain
