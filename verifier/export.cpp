#include "verifier/export.hpp"

#include "verifier/files.hpp"

namespace guild::verifier {
namespace {

constexpr std::size_t length_size = 4;
constexpr std::string_view empty_line = "\n\n";

std::size_t length_of(Bytes bytes) {
  return static_cast<std::size_t>(bytes[0]) | (static_cast<std::size_t>(bytes[1]) << 8U) |
         (static_cast<std::size_t>(bytes[2]) << 16U) | (static_cast<std::size_t>(bytes[3]) << 24U);
}

/// Where the checkpoint that `text` begins with ends: after its signature lines, before the empty
/// line that follows them.
std::optional<std::size_t> checkpoint_end(std::string_view text) {
  const std::size_t head = text.find(empty_line);
  if (head == std::string_view::npos) return {};
  const std::size_t signatures = text.find(empty_line, head + empty_line.size());
  if (signatures == std::string_view::npos) return {};
  return signatures + 1;
}

Parsed<PublicKey> parse_key_file(std::string_view text, const std::optional<PublicKey>& expected) {
  auto key = parse_public_key(text);
  if (!key) return because("the file key: ", key.error());
  if (!text.ends_with('\n')) return because("the file key: its line does not end");
  if (expected && *expected != *key) return because("the file key is not the key that was given");
  return key;
}

}  // namespace

Result<std::optional<Fault>> ExportCheck::run() {
  const Check checked = check_all();
  for (const Input* input : {&leaves_, &checkpoints_})
    if (const auto& failure = input->failure()) return std::unexpected(*failure);
  if (checked) return std::nullopt;
  return Fault{.seq = blamed_seq_, .problem = checked.error()};
}

std::unexpected<std::string> ExportCheck::blame(std::int64_t seq, std::string problem) {
  blamed_seq_ = seq;
  return std::unexpected(std::move(problem));
}

std::unexpected<std::string> ExportCheck::blame_unproven(std::string_view problem) {
  return blame(proven_ + 1, joined("checkpoint ", checkpoints_checked_ + 1, ": ", problem));
}

Check ExportCheck::check_all() {
  VERIFIER_CHECK(next_checkpoint());
  while (!leaves_.peek(1).empty()) {
    if (auto taken = take_next_leaf(); !taken)
      return blame(book_.size() + 1, std::move(taken).error());
    if (!checkpoint_ || checkpoint_->size != book_.size()) continue;
    VERIFIER_CHECK(check_checkpoint(*checkpoint_));
    VERIFIER_CHECK(next_checkpoint());
  }
  return check_end();
}

Check ExportCheck::take_next_leaf() {
  const auto bytes = next_leaf();
  if (!bytes) return std::unexpected(bytes.error());
  VERIFIER_CHECK(parse_leaf(*bytes, leaf_));
  const Digest hash = leaf_hash(*bytes);
  // The book's name is its first posting's hash, so that a key cannot be lent to another book.
  if (book_.size() == 0 && origin_of(hash) != key_.origin)
    return because("its hash makes the origin ", origin_of(hash), ", the key's is ", key_.origin);
  VERIFIER_CHECK(book_.take(leaf_, hash));
  tree_.append(hash);
  leaves_.consume(bytes->size());
  return {};
}

Parsed<Bytes> ExportCheck::next_leaf() {
  const Bytes prefix = leaves_.peek(length_size);
  if (prefix.size() < length_size) return because("the file ends inside its length");
  const std::size_t size = length_of(prefix);
  if (size > leaf_size_max)
    return because("the leaf has ", size, " bytes; ", leaf_size_max, " are allowed");
  leaves_.consume(length_size);
  const Bytes leaf = leaves_.peek(size);
  if (leaf.size() < size) return because("the file ends inside the leaf");
  return leaf;
}

Check ExportCheck::next_checkpoint() {
  checkpoint_.reset();
  // And the \n of the empty line after it.
  const std::string_view text = as_text(checkpoints_.peek(checkpoint_size_max + 1));
  if (text.empty()) return {};
  const auto end = checkpoint_end(text);
  if (!end) return blame_unproven("it does not end with an empty line");
  auto checkpoint = parse_checkpoint(text.substr(0, *end));
  if (!checkpoint) return blame_unproven(checkpoint.error());
  if (checkpoint->size <= proven_)
    return blame_unproven(
        joined("it is of ", checkpoint->size, " postings, the one before of ", proven_));
  checkpoint_ = std::move(*checkpoint);
  checkpoints_.consume(*end + 1);
  return {};
}

Check ExportCheck::check_checkpoint(const Checkpoint& checkpoint) {
  const auto of = joined("of ", checkpoint.size, " postings: ");
  if (auto good = check_signature(checkpoint, key_); !good)
    return blame_unproven(of + good.error());
  if (checkpoint.root != tree_.root())
    return blame_unproven(joined(of, "its root is ", to_hex(checkpoint.root),
                                 ", that of the leaves ", to_hex(tree_.root())));
  proven_ = checkpoint.size;
  ++checkpoints_checked_;
  return {};
}

Check ExportCheck::check_end() {
  const std::int64_t size = book_.size();
  if (size == 0) return blame(1, "leaves holds no posting");
  if (checkpoint_)
    return blame(size + 1, joined("it is missing: checkpoint ", checkpoints_checked_ + 1, " is of ",
                                  checkpoint_->size, " postings, leaves ends before"));
  if (proven_ != size)
    return blame(proven_ + 1, joined("no checkpoint is of all ", size, " postings"));
  if (auto total = book_.check_total(); !total) return blame(size, std::move(total).error());
  return {};
}

Result<ExportReport> check_export(const std::filesystem::path& folder,
                                  const std::optional<PublicKey>& expected) {
  const auto blame_key = [](const std::string& why) {
    return ExportReport(std::unexpect, Fault{.seq = 1, .problem = why});
  };
  const auto key_text = read_file(folder / "key", key_text_size_max + 1);
  if (!key_text && key_text.error().failure == Failure::refused)
    return blame_key(key_text.error().message);
  if (!key_text) return std::unexpected(key_text.error());
  auto leaves = Input::open(folder / "leaves");
  if (!leaves) return std::unexpected(leaves.error());
  auto checkpoints = Input::open(folder / "checkpoints");
  if (!checkpoints) return std::unexpected(checkpoints.error());
  auto key = parse_key_file(*key_text, expected);
  if (!key) return blame_key(key.error());
  ExportReport report(std::in_place, std::move(*key), std::move(*leaves), std::move(*checkpoints));
  const auto ran = report->run();
  if (!ran) return std::unexpected(ran.error());
  const std::optional<Fault>& fault = *ran;
  if (fault) report = std::unexpected(*fault);
  return report;
}

}  // namespace guild::verifier
