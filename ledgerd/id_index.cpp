#include "ledgerd/id_index.hpp"

#include <sodium.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include "common/base/assert.hpp"
#include "common/base/bytes.hpp"

namespace guild::ledgerd {
namespace {

static_assert(std::tuple_size_v<IdKey> == crypto_shorthash_KEYBYTES);

/// What is hashed already.
struct AsItIs {
  using is_avalanching = void;
  std::size_t operator()(std::uint64_t hash) const noexcept { return hash; }
};

}  // namespace

// Two ids with one hash take two neighbouring places: hash, hash + 1, ... until one is free.
struct IdIndex::Table {
  boost::unordered_flat_map<std::uint64_t, std::int64_t, AsItIs> seq_by_hash;
};

IdIndex::IdIndex(const IdKey& key) : key_(key), table_(std::make_unique<Table>()) {}
IdIndex::~IdIndex() = default;
IdIndex::IdIndex(IdIndex&&) noexcept = default;
IdIndex& IdIndex::operator=(IdIndex&&) noexcept = default;

std::size_t IdIndex::size() const { return table_->seq_by_hash.size(); }

void IdIndex::reserve(std::size_t count) { table_->seq_by_hash.reserve(count); }

std::uint64_t IdIndex::hash_of(const Uuid& id) const {
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash{};
  crypto_shorthash(hash.data(), id.bytes.data(), id.bytes.size(), key_.data());
  return load_le<std::uint64_t>(hash.data());
}

std::int64_t IdIndex::at(std::uint64_t hash) const {
  const auto found = table_->seq_by_hash.find(hash);
  return found == table_->seq_by_hash.end() ? 0 : found->second;
}

void IdIndex::insert(std::uint64_t hash, std::int64_t seq) {
  GUILD_ASSERT(seq != 0);
  while (!table_->seq_by_hash.emplace(hash, seq).second) ++hash;
}

void IdIndex::erase(std::uint64_t hash, std::int64_t seq) {
  for (auto found = table_->seq_by_hash.find(hash);; found = table_->seq_by_hash.find(++hash)) {
    GUILD_ASSERT(found != table_->seq_by_hash.end());
    if (found->second != seq) continue;
    table_->seq_by_hash.erase(found);
    return;
  }
}

}  // namespace guild::ledgerd
