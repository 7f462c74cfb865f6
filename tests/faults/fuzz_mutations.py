"""What happens to files: accidents, and people who mean it."""
TEXT_SIZE = 24000
EVIL = [b"99999999999999999999999", b"-1", b"0", b"1e400", b"nan", b"-inf", b"1e-320", b"9223372036854775807", b"0x7f", b"2147483648",
        b"*" * 3000, b"[" * 3000, b"\xff\xfe\x00", b"\x00", b"\n\n", b"=", b"[run]", b"#", b"\"", b"lsq+:99", b"fp32", b" true",
        b"%s%n%s", b"\\u0000", b"{}", b"a" * 70000]


def text_of(chance, size):
    """Sentences to learn from."""
    nouns, verbs = "fox hen dog owl cat mouse horse goose".split(), "sees hears follows finds likes leaves".split()
    text = ""
    while len(text) < size:
        text += f"the {chance.choice(nouns)} {chance.choice(verbs)} the {chance.choice(nouns)}. " + ("\n\n" if chance.random() < 0.2 else "")
    return text.encode()


def flip(chance, data):
    for _ in range(chance.choice([1, 1, 2, 8, 64])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def block(chance, data):
    """Begin and end of a stretch, of a disk's size or of any."""
    size = min(len(data), chance.choice([4, 16, 512, 4096, chance.randrange(1, len(data) + 1)]))
    begin = chance.randrange(len(data) - size + 1)
    return begin, begin + size


def damaged_bytes(chance, content, other):
    """One to three accidents; never the content itself, unless an accident changes nothing."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if not data:
            break
        begin, end = block(chance, data)
        what = chance.randrange(9)
        if what <= 1:
            flip(chance, data)
        elif what == 2:
            del data[chance.randrange(len(data)):]
        elif what == 3:
            data[begin:end] = bytes(end - begin)
        elif what == 4:
            data[begin:end] = chance.randbytes(end - begin)
        elif what == 5:
            data[begin:begin] = data[begin:end]
        elif what == 6:
            to = chance.randrange(len(data) - (end - begin) + 1)
            data[begin:end], data[to:to + end - begin] = data[to:to + end - begin], data[begin:end]
        elif what == 7:
            del data[begin:end]
        else:
            data[begin:end] = other[begin:end]
    return bytes(data)


def damaged_text(chance, content):
    """Bytes as above, or numbers, words and lines changed."""
    if chance.random() < 0.25:
        return damaged_bytes(chance, content, b"[data]\n{\"text\": 1}\n" * 100)
    lines = content.split(b"\n")
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(lines))
        what = chance.randrange(6)
        if what == 0:
            del lines[at]
            lines = lines or [b""]
        elif what == 1:
            lines.insert(at, lines[chance.randrange(len(lines))])
        elif what == 2:
            words = lines[at].split(b" ")
            words[chance.randrange(len(words))] = chance.choice(EVIL)
            lines[at] = b" ".join(words)
        elif what == 3:
            lines[at] = b"".join(chance.choice(EVIL) if chr(c).isdigit() and chance.random() < 0.3 else bytes([c]) for c in lines[at])
        elif what == 4:
            place = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + chance.choice(EVIL) + lines[at][place:]
        else:
            lines[at] = lines[at].swapcase()
    return b"\n".join(lines)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def fields(message):
    """(number, wire type, bytes) of a protocol buffer of this kind: varints, 32-bit numbers and bytes."""
    found, at = [], 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(message):
        tag = number()
        if tag & 7 == 0:
            found.append((tag >> 3, 0, varint(number())))
            continue
        size = number() if tag & 7 == 2 else 4
        found.append((tag >> 3, tag & 7, message[at:at + size]))
        at += size
    return found


def packed(found):
    return b"".join(varint(number << 3 | wire) + (varint(len(data)) if wire == 2 else b"") + data for number, wire, data in found)


def changed_piece(chance, data):
    parts = {number: (number, wire, value) for number, wire, value in fields(data)}
    what = chance.randrange(3)
    if what == 0:
        piece = chance.choice([b"", b"\xe2\x96\x81" * 40, b"\xff\xfe", b"<0x41>", b"<0xZZ>", b"</s>", b"a" * 100000, b"\x00", b"e"])
        parts[1] = (1, 2, piece)
    elif what == 1:
        parts[2] = (2, 5, chance.choice([b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\x80\xff", b"\xff\xff\x7f\x7f", bytes(4)]))
    else:
        parts[3] = (3, 0, varint(chance.choice([1, 2, 3, 4, 5, 6, 0, 99, 1 << 40])))
    return packed(sorted(parts.values()))


def damaged_model(chance, content):
    """A SentencePiece model that is still a protocol buffer, with something in it that no trainer writes."""
    model = fields(content)
    for _ in range(chance.choice([1, 1, 2, 5])):
        pieces = [i for i, field in enumerate(model) if field[0] == 1]
        at = chance.choice(pieces) if pieces else 0
        what = chance.randrange(8)
        if what <= 1 and pieces:
            model[at] = (1, 2, changed_piece(chance, model[at][2]))
        elif what == 2 and pieces:
            del model[at]
        elif what == 3 and pieces:
            model.insert(chance.randrange(len(model)), model[at])
        elif what == 4:
            chance.shuffle(model)
        elif what == 5:  # trainer_spec: model_type and the ids of the control pieces
            number = chance.choice([3, 40, 41, 42, 43, 35, 4])
            model.append((2, 2, packed([(number, 0, varint(chance.choice([0, 1, 2, 3, 4, 5, 250, (1 << 64) - 1])))])))
        elif what == 6:  # normalizer_spec: the table that text is looked up in
            table = chance.choice([b"", b"\x00", varint(1 << 31), (64).to_bytes(4, "little") + chance.randbytes(64 + chance.randrange(64)),
                                   (1024).to_bytes(4, "little") + chance.randbytes(1024) + b"x\x00", chance.randbytes(3000)])
            model.append((3, 2, packed([(2, 2, table)])))
        else:  # self_test_data, which is encoded when the model is loaded
            sample = packed([(1, 2, chance.choice([b"the fox", b"", chance.randbytes(200)])), (2, 2, b"x")])
            model.append((4, 2, packed([(1, 2, sample)] * chance.choice([1, 50]))))
    return packed(model)
