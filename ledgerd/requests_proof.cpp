// The served verbs of ledgerd that show postings and prove them.
#include "ledgerd/history.hpp"
#include "ledgerd/service.hpp"
#include "ledgerd/tree_reader.hpp"

namespace guild::ledgerd {
namespace {

template <class List>
List texts_of(const std::vector<Digest>& hashes) {
  List texts;
  for (const Digest& hash : hashes) texts.push_back(to_base64(hash));
  return texts;
}

std::unexpected<Error> posting_unknown() {
  return fail(ErrorKind::not_found, "posting_unknown", "there is no such posting",
              "guild ledger verify tells how many there are");
}

}  // namespace

void Service::posting(const messages::GetPosting& request,
                      const host::Answer<messages::PostingView>& answer) {
  if (request.id.has_value() == request.seq.has_value())
    return refuse(answer, Error{ErrorKind::invalid, "posting_unclear",
                                "a posting is asked for by its id or by its seq", "give one"});
  // An id is looked up where they are remembered, which is the writer's.
  auto found = std::make_shared<messages::PostingView>();
  auto work = [request, found](Transaction& transaction) -> Result<void> {
    std::int64_t seq = request.seq.value_or(0);
    if (request.id) {
      GUILD_TRY(seq, transaction.seq_of(*request.id));
    }
    if (seq > transaction.state().committed_head().seq) return posting_unknown();
    GUILD_TRY(*found, read_posting(transaction.file(), seq));
    return {};
  };
  auto done = [this, answer = answer, found](const Result<void>& outcome) mutable {
    host_.post([answer = std::move(answer), found, outcome] {
      if (!outcome) return answer(fail(outcome.error()));
      answer(*found);
    });
  };
  if (auto submitted = journal_->submit(std::move(work), std::move(done)); !submitted)
    refuse(answer, submitted.error());
}

void Service::checkpoint(const messages::GetCheckpoint& request,
                         const host::Answer<messages::Checkpoint>& answer) {
  const TreeHead head = view_.head();
  const std::int64_t since = request.since.value_or(0);
  if (since < 0 || since > head.size)
    return refuse(answer, Error{ErrorKind::not_found, "size_unknown",
                                "the book does not have as many postings",
                                "if it once had, it was rolled back: do not trust it"});
  sign_checkpoint();
  read<messages::Checkpoint>(
      reader_,
      [head, since, note = signer_->sign(head), key = signer_->public_key()](
          storage::Connection& file, const std::stop_token&) -> Result<messages::Checkpoint> {
        messages::Checkpoint told{.size = head.size,
                                  .root = to_hex(head.root),
                                  .note = note,
                                  .key = key,
                                  .since = since,
                                  .consistency = {}};
        GUILD_CHECK(file.snapshot([&](storage::Connection& snapshot) -> Result<void> {
          TreeReader tree(snapshot, head.size);
          GUILD_TRY(const auto hashes, consistency_proof(since, head.size, tree.source()));
          told.consistency = texts_of<decltype(told.consistency)>(hashes);
          return {};
        }));
        return told;
      },
      answer);
}

void Service::proof(const messages::GetProof& request,
                    const host::Answer<messages::InclusionProof>& answer) {
  const TreeHead head = view_.head();
  if (request.seq < 1 || request.seq > head.size) return refuse(answer, posting_unknown().error());
  sign_checkpoint();
  read<messages::InclusionProof>(
      reader_,
      [head, seq = request.seq, note = signer_->sign(head), key = signer_->public_key()](
          storage::Connection& file, const std::stop_token&) -> Result<messages::InclusionProof> {
        messages::InclusionProof told{
            .seq = seq, .leaf_hash = {}, .hashes = {}, .note = note, .key = key};
        GUILD_CHECK(file.snapshot([&](storage::Connection& snapshot) -> Result<void> {
          TreeReader tree(snapshot, head.size);
          GUILD_TRY(const Digest leaf, tree.node(0, seq - 1));
          GUILD_TRY(const auto hashes, inclusion_proof(seq - 1, head.size, tree.source()));
          told.leaf_hash = to_hex(leaf);
          told.hashes = texts_of<decltype(told.hashes)>(hashes);
          return {};
        }));
        return told;
      },
      answer);
}

}  // namespace guild::ledgerd
