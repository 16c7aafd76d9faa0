// JSON text in and out, for the message codec and for what must look below it: the log's redaction
// and the log consumer's stand-ins for unreadable records. Document is a whole parsed text:
// one flat array of nodes, children right behind their parent, so that a record costs two
// allocations. Refused while parsing (RFC 8259 and stricter), code json_invalid: over 1 MiB, over
// 16 levels, trailing text, invalid UTF-8, lone surrogates, NaN; code field_value: a key that is
// there twice. Views point into the Document, not into the text it was parsed from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace guild::messages::json {

inline constexpr std::size_t text_bytes_max = 1'048'576;
inline constexpr std::size_t levels_max = 16;

enum class Kind : std::uint8_t { null, boolean, integer, other_number, text, array, object };

class Children;

struct Node {
  Kind kind = Kind::null;
  bool truth = false;        ///< boolean
  std::uint32_t span = 1;    ///< Nodes of the whole subtree, this one included.
  std::uint32_t size = 0;    ///< array, object: direct children.
  std::int64_t integer = 0;  ///< integer: written without point or exponent, and fits 64 bits.
  std::string_view text{};   ///< text: unescaped; other_number: as it was written.
  std::string_view key{};    ///< Of a member of an object.

  Children children() const;  ///< Only of a node that lies in a Document.
};

/// The direct children of a node, in the order they were written.
class Children {
 public:
  struct End {};
  class Iterator {
   public:
    Iterator(const Node* at, std::uint32_t left) : at_(at), left_(left) {}
    const Node& operator*() const { return *at_; }
    Iterator& operator++() {
      at_ += at_->span;
      --left_;
      return *this;
    }
    bool operator==(End) const { return left_ == 0; }

   private:
    const Node* at_;
    std::uint32_t left_;
  };

  explicit Children(const Node& parent) : parent_(parent) {}
  Iterator begin() const { return {&parent_ + 1, parent_.size}; }
  End end() const { return {}; }

 private:
  const Node& parent_;
};

inline Children Node::children() const { return Children(*this); }

class Document {
 public:
  static Result<Document> parse(std::string_view text);
  const Node& root() const { return nodes_.front(); }

 private:
  friend class Builder;
  std::vector<Node> nodes_;
  std::string texts_;
};

/// Levels of arrays and objects, `node` included; 0 for a scalar.
std::size_t levels_of(const Node& node);

/// Appends `text` in quotes. Bytes that are not UTF-8 become U+FFFD, so the output is always JSON.
void append_quoted(std::string& out, std::string_view text);
void append_integer(std::string& out, std::int64_t value);
/// Appends `node` and all below it, without white space.
void append_node(std::string& out, const Node& node);

}  // namespace guild::messages::json
