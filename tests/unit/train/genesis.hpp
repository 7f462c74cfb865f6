#pragma once
// A few kilobytes of English: Genesis 1, King James Version.
#include <array>
#include <string>

#include "data/corpus.hpp"

namespace genesis {

inline const std::string text =
    "In the beginning God created the heaven and the earth.\n"
    "And the earth was without form, and void; and darkness was upon the face of the deep. And the Spirit of "
    "God moved upon the "
    "face of the waters.\n"
    "And God said, Let there be light: and there was light.\n"
    "And God saw the light, that it was good: and God divided the light from the darkness.\n"
    "And God called the light Day, and the darkness he called Night. And the evening and the morning were "
    "the first day.\n"
    "And God said, Let there be a firmament in the midst of the waters, and let it divide the waters from "
    "the waters.\n"
    "And God made the firmament, and divided the waters which were under the firmament from the waters which "
    "were above the "
    "firmament: and it was so.\n"
    "And God called the firmament Heaven. And the evening and the morning were the second day.\n"
    "And God said, Let the waters under the heaven be gathered together unto one place, and let the dry land "
    "appear: and it was "
    "so.\n"
    "And God called the dry land Earth; and the gathering together of the waters called he Seas: and God saw "
    "that it was good.\n"
    "And God said, Let the earth bring forth grass, the herb yielding seed, and the fruit tree yielding "
    "fruit after his kind, "
    "whose seed is in itself, upon the earth: and it was so.\n"
    "And the earth brought forth grass, and herb yielding seed after his kind, and the tree yielding fruit, "
    "whose seed was in "
    "itself, after his kind: and God saw that it was good.\n"
    "And the evening and the morning were the third day.\n"
    "And God said, Let there be lights in the firmament of the heaven to divide the day from the night; and "
    "let them be for "
    "signs, and for seasons, and for days, and years:\n"
    "And let them be for lights in the firmament of the heaven to give light upon the earth: and it was so.\n"
    "And God made two great lights; the greater light to rule the day, and the lesser light to rule the "
    "night: he made the "
    "stars also.\n"
    "And God set them in the firmament of the heaven to give light upon the earth,\n"
    "And to rule over the day and over the night, and to divide the light from the darkness: and God saw "
    "that it was good.\n"
    "And the evening and the morning were the fourth day.\n"
    "And God said, Let the waters bring forth abundantly the moving creature that hath life, and fowl that "
    "may fly above the "
    "earth in the open firmament of heaven.\n"
    "And God created great whales, and every living creature that moveth, which the waters brought forth "
    "abundantly, after "
    "their kind, and every winged fowl after his kind: and God saw that it was good.\n"
    "And God blessed them, saying, Be fruitful, and multiply, and fill the waters in the seas, and let fowl "
    "multiply in the "
    "earth.\n"
    "And the evening and the morning were the fifth day.\n"
    "And God said, Let the earth bring forth the living creature after his kind, cattle, and creeping thing, "
    "and beast of the "
    "earth after his kind: and it was so.\n";

/// One token a byte, numbered in the order in which the bytes appear; the last `held_back` bytes are the
/// search part.
inline bitdarts::data::Corpus corpus(std::size_t held_back) {
  bitdarts::data::Corpus corpus;
  std::array<int, 256> number;
  number.fill(-1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    int& token = number[static_cast<unsigned char>(text[i])];
    if (token < 0) token = static_cast<int>(corpus.vocab_size++);
    auto& part = i + held_back < text.size() ? corpus.train : corpus.search;
    part.ids.push_back(token);
  }
  for (auto* part : {&corpus.train, &corpus.search}) {
    part->document_begin = {0, part->ids.size()};
    part->bytes = part->ids.size();
  }
  return corpus;
}

}  // namespace genesis
