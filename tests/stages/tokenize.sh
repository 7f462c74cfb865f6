#!/usr/bin/env bash
# tokenize.sh BIN: bitdarts-tokenize on generated text. The same file whatever the ranks, up to date when called again,
# and bad input (exit 3) told from bad configuration (exit 2).
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh" "$1"

tokenize() { # RANKS OUT OPTION...
  local ranks=$1 out=$2
  shift 2
  "$tests/mpirun" "$ranks" "$bin/bitdarts-tokenize" --out "$out" --data.document=paragraph \
    --tokenizer.vocab_size=600 "$@"
}
mkdir text
for i in $(seq 1 1500); do
  printf 'Paragraph %d of a text that repeats itself %d times.\nИ по-русски: глава %d.\n\n' "$i" $((i * 7919 % 1000)) $((i % 13))
done > text/long.txt
printf 'CRLF\r\n\r\ninvalid \xff\xfe \xe2\x96\x81 and nul \0 inside\n\nno newline at the end' > text/odd.txt
: > text/empty.txt
for i in $(seq 1 300); do printf '{"text": "Record %d\\nof the packed file %d."}\n' "$i" $((i * 31 % 97)); done | gzip > text/records.jsonl.gz

tokenize 1 one --data.text=text > summary
grep -q 'train .* [0-9]' summary || fail "no summary on stdout"
tokenize 2 two --data.text=text > /dev/null
tokenize 4 four --data.text=text > /dev/null
same one/tokens.h5 two/tokens.h5 || fail "2 ranks give another file than 1"
same one/tokens.h5 four/tokens.h5 || fail "4 ranks give another file than 1"

tokenize 1 lines --data.text=text --data.document=line > /dev/null
for ranks in 2 4; do # they share the long file
  tokenize "$ranks" lines$ranks --data.text=text --data.document=line > /dev/null
  same lines/tokens.h5 lines$ranks/tokens.h5 || fail "$ranks ranks give another file than 1, by lines"
done

# The key is made of what the text is: another place, other ranks and other threads make no difference.
expect 0 "up to date" tokenize 2 one --data.text=text
mkdir elsewhere && cp -r text elsewhere/text
expect 0 "up to date" tokenize 1 one --data.text="\"$work/elsewhere/text/*.*\"" --run.threads=2 # one item, whatever the folder is called
cp one/tokens.h5 before.h5
expect 0 "train" tokenize 1 one --data.text=text --run.seed=2
expect 1 "" inspect --diff before.h5 one/tokens.h5 # another seed, another split
expect 0 "train" tokenize 1 one --data.text=text --run.seed=1
same before.h5 one/tokens.h5 || fail "the same options do not give the same file again"

# A damaged product is made again.
printf 'damage' | dd of=one/tokens.h5 bs=1 seek=$(($(stat -c %s one/tokens.h5) / 2)) conv=notrunc status=none
expect 0 "train" tokenize 1 one --data.text=text
same before.h5 one/tokens.h5 || fail "a damaged product is not repaired"

# The tokenizer of one run serves another.
if command -v h5dump > /dev/null; then
  h5dump -d /tokenizer/model -b LE -o given.model before.h5 > /dev/null
  expect 0 "train" tokenize 2 given --data.text=text --tokenizer.model=given.model
  same before.h5 given/tokens.h5 || fail "a given model does not give what the trained one gave"
fi

# Bad inputs.
expect 3 "none.txt" tokenize 2 bad --data.text=none.txt
expect 3 "missing.model" tokenize 1 bad --data.text=text --tokenizer.model=missing.model
expect 3 "not a usable SentencePiece model" tokenize 2 bad --data.text=text --tokenizer.model=text/long.txt
head -c 700 text/records.jsonl.gz > cut.jsonl.gz
expect 3 "cut.jsonl.gz, about byte" tokenize 2 bad --data.text=cut.jsonl.gz
printf '{"text": "fine"}\n{"text": \n' > bad.jsonl
expect 3 "bad.jsonl, line 2" tokenize 2 bad --data.text="bad.jsonl text"
expect 3 "the text is empty" tokenize 2 bad --data.text=text/empty.txt

# Input that is not what it is taken for: refused by name, place and reason, whatever the ranks.
mkdir other
printf '\xff\xfeh\0i\0' > other/wide.txt
expect 3 "other/wide.txt, byte 0" tokenize 2 bad --data.text=other/wide.txt
grep -q "iconv -f UTF-16LE" said || fail "UTF-16 without its remedy"
printf 'PAR1\025\004\025\020' > other/table.parquet
expect 3 "a Parquet table" tokenize 2 bad --data.text='other/*.parquet'
printf '[{"text": "a"},\n{"text": "b"}]\n' > other/array.json
expect 3 "jq -c" tokenize 1 bad --data.text=other/array.json
{ gzip < text/long.txt; printf 'the rest'; } > other/followed.txt.gz
expect 3 "other/followed.txt.gz, byte" tokenize 2 bad --data.text=other/followed.txt.gz
mkfifo other/pipe.txt
expect 3 "not a regular file" tokenize 1 bad --data.text=other/pipe.txt
expect 3 "not a regular file" tokenize 1 bad --data.text=text --tokenizer.model=other/pipe.txt

# The same records by another name, and a joined gzip file, are the same text; a directory says what it leaves out.
mkdir -p named/sub linked
zcat text/records.jsonl.gz > records.jsonl
tokenize 1 records --data.text=records.jsonl --tokenizer.vocab_size=300 > /dev/null 2>&1
cp records.jsonl named/records.ndjson
expect 0 "up to date" tokenize 2 records --data.text=named --tokenizer.vocab_size=300
mv named/records.ndjson named/records.json
ln -s ../named linked/sub
tar -C text -czf named/backup.tar.gz odd.txt
expect 0 "up to date" tokenize 2 records --data.text=linked --tokenizer.vocab_size=300
expect 0 "left out: 1 by their names (backup.tar.gz)" tokenize 2 again --data.text=named --tokenizer.vocab_size=300
same records/tokens.h5 again/tokens.h5 || fail "another name gives another file"
{ head -n 100 records.jsonl | gzip; tail -n +101 records.jsonl | gzip; } > joined.jsonl.gz
tokenize 2 joined --data.text=joined.jsonl.gz --tokenizer.vocab_size=300 > /dev/null 2>&1
same records/tokens.h5 joined/tokens.h5 || fail "a joined gzip file is not read whole"
{ cat records.jsonl; printf '{"id": 1}\n'; } > some.jsonl
expect 3 "some.jsonl, line 301" tokenize 2 bad --data.text=some.jsonl
expect 0 "1 JSON records were skipped" tokenize 2 skipped --data.text=some.jsonl --tokenizer.vocab_size=300 --data.on_bad_record=skip
grep -q "skipped records: 1" said || fail "the summary does not count skipped records"

# Why a part is empty.
for _ in $(seq 1 2000); do echo "the same line again and again"; done > copies.txt
expect 0 "2000 documents are copies of one" tokenize 2 copies --data.text=copies.txt --data.document=line \
  --tokenizer.vocab_size=280 --data.search_fraction=0.001 --data.test_fraction=0.001
expect 3 "2000 documents are copies of one" tokenize 2 bad --data.text=copies.txt --data.document=line \
  --data.search_fraction=0.001 --data.test_fraction=0.998

# Bad configuration.
expect 2 "data.text" tokenize 1 bad
expect 2 "vocab_size to [0-9]* or less" tokenize 2 bad --data.text=text --tokenizer.vocab_size=60000
expect 2 "vocab_siz" tokenize 1 bad --data.text=text --tokenizer.vocab_siz=600
expect 2 "data.document" tokenize 1 bad --data.text=text --data.document=chapter
[ ! -e bad/tokens.h5 ] || fail "a failed run left a product"
