#pragma once
#include <string>

/// Adds to an HDF5 file what the format allows and bitdarts never writes: cycle, links, external_link,
/// external_data, virtual, huge_shape, huge_chunk, huge_text, compound, null, deep, many. Throws when HDF5
/// does.
void add_strange_structure(const std::string& path, const std::string& kind);
