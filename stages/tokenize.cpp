// bitdarts-tokenize: text -> tokens.h5.
#include "data/tokenize.hpp"
#include "data/corpus.hpp"
#include "stage/stage.hpp"

using namespace bitdarts;

namespace {

void warn_of_empty_parts(const data::TokenizedText& text, const stage::Context& context) {
  const double fractions[] = {1.0, context.config.data.search_fraction, context.config.data.test_fraction};
  for (const data::Split split : {data::Split::train, data::Split::search, data::Split::test}) {
    const auto index = static_cast<std::size_t>(split);
    if (context.world.root() && fractions[index] > 0 && text.parts[index].bytes.empty()) {
      context.console.warn("the " + std::string(data::name_of(split)) +
                           " part is empty: " + std::to_string(text.documents) +
                           " documents are few; data.document = paragraph or line makes more");
    }
  }
}

void tokenize(const stage::Context& context) {
  const data::Team team{context.world, context.interrupts, context.console};
  const data::TextSource source = data::find_text(context.config, context.world);
  stage::Run run(context, stage::describe_tokenize(data::result_key(context.config, source)));
  if (!run.begin()) return;

  const auto seed = static_cast<std::uint64_t>(context.config.run.seed);
  const data::TextIndex index = data::index_text(source.files, context.config.data, seed, context.world);
  const data::Tokenizer tokenizer = data::make_tokenizer(context.config, index, team);
  const data::TokenizedText text = data::encode_text(index, tokenizer, context.config, team);
  comm::together(context.world, [&] { data::require_unchanged(context.config, source); });
  warn_of_empty_parts(text, context);
  run.publish([&](store::File& file) { data::write_tokens(file, text, tokenizer); });
  context.console.result(data::summary(text, tokenizer));
}

}  // namespace

int main(int argc, char** argv) { return stage::stage_main(argc, argv, "tokenize", tokenize); }
