// bitdarts-tokenize: text -> tokens.h5.
#include "data/tokenize.hpp"
#include "data/corpus.hpp"
#include "stage/stage.hpp"

using namespace bitdarts;

namespace {

void warn_of_empty_parts(const data::TokenizedText& text, const data::TextIndex& index,
                         const stage::Context& context) {
  const double fractions[] = {1.0, context.config.data.search_fraction, context.config.data.test_fraction};
  for (const data::Split split : {data::Split::train, data::Split::search, data::Split::test}) {
    const auto part = static_cast<std::size_t>(split);
    if (context.world.root() && fractions[part] > 0 && text.parts[part].bytes.empty()) {
      context.console.warn("the " + std::string(data::name_of(split)) +
                           " part is empty: " + data::why_empty(index));
    }
  }
}

void tokenize(const stage::Context& context) {
  const data::Team team{context.world, context.console};
  const data::TextSource source = data::find_text(context.config, team);
  stage::Run run(context, stage::describe_tokenize(data::result_key(context.config, source)));
  if (!run.begin()) return;
  for (const std::string& sentence : source.left_out) context.console.warn(sentence);

  const auto seed = static_cast<std::uint64_t>(context.config.run.seed);
  const data::TextIndex index = data::index_text(source.files, context.config.data, seed, team);
  for (const std::string& sentence : data::remarks(index, context.config.data))
    context.console.warn(sentence);
  const data::Tokenizer tokenizer = data::make_tokenizer(context.config, index, team);
  const data::TokenizedText text = data::encode_text(index, tokenizer, context.config, team);
  comm::together(context.world, [&] { data::require_unchanged(context.config, source); });
  warn_of_empty_parts(text, index, context);
  run.publish([&](store::File& file) { data::write_tokens(file, text, tokenizer); });
  context.console.result(data::summary(text, tokenizer));
}

}  // namespace

int main(int argc, char** argv) { return stage::stage_main(argc, argv, "tokenize", tokenize); }
