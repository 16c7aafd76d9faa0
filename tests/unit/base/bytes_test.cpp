#include "common/base/bytes.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

#include "common/base/hash.hpp"
#include "common/base/result.hpp"

using guild::Bytes;

namespace {

template <class T>
std::string code_of(const guild::Result<T>& result) {
  return result ? "accepted" : result.error().code;
}

}  // namespace

TEST_CASE("hex is written in lower case and read in both") {
  CHECK(guild::to_hex(Bytes{}).empty());
  CHECK(guild::to_hex(Bytes{0x00, 0x0f, 0xab, 0xff}) == "000fabff");
  CHECK(guild::from_hex("000fabff") == Bytes{0x00, 0x0f, 0xab, 0xff});
  CHECK(guild::from_hex("000FABFF") == Bytes{0x00, 0x0f, 0xab, 0xff});
  CHECK(guild::from_hex("") == Bytes{});
}

TEST_CASE("hex that is not whole or not hex is refused") {
  CHECK(code_of(guild::from_hex("a")) == "hex_length");
  CHECK(code_of(guild::from_hex("abc")) == "hex_length");
  for (const char* text : {"0g", "g0", "0x", " 1", "1 ", "+1", "-1", "\xc3\xa9", "@`", "/:"}) {
    INFO(text);
    CHECK(code_of(guild::from_hex(text)) == "hex_digit");
  }
}

TEST_CASE("a refused hex text is not repeated: it may be a key") {
  const auto refused = guild::from_hex("deadbeefzz");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("deadbeef") == std::string::npos);
  CHECK(refused.error().message.find("character 9") != std::string::npos);
}

TEST_CASE("an exact size is demanded, neither more nor less") {
  CHECK(guild::from_hex_exactly<2>("0102") == std::array<std::uint8_t, 2>{1, 2});
  CHECK(code_of(guild::from_hex_exactly<2>("01")) == "hex_length");
  CHECK(code_of(guild::from_hex_exactly<2>("010203")) == "hex_length");
  CHECK(code_of(guild::from_hex_exactly<2>("")) == "hex_length");
  CHECK(code_of(guild::from_hex_exactly<2>("01zz")) == "hex_digit");
}

TEST_CASE("Z85 gives the example of its specification") {
  const Bytes bytes{0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
  CHECK(guild::to_z85(bytes) == "HelloWorld");
  CHECK(guild::from_z85("HelloWorld") == bytes);
  CHECK(guild::to_z85(Bytes{0xFF, 0xFF, 0xFF, 0xFF}) == "%nSc0");
  CHECK(guild::from_z85("%nSc0") == Bytes{0xFF, 0xFF, 0xFF, 0xFF});
  CHECK(guild::to_z85(Bytes{0, 0, 0, 0}) == "00000");
  CHECK(guild::from_z85("") == Bytes{});
}

TEST_CASE("Z85 of a wrong length, with a foreign character or past 32 bits is refused") {
  CHECK(code_of(guild::from_z85("Hell")) == "z85_length");
  CHECK(code_of(guild::from_z85("HelloW")) == "z85_length");
  CHECK(code_of(guild::from_z85("Hel,o")) == "z85_digit");
  CHECK(code_of(guild::from_z85("Hel\"o")) == "z85_digit");
  CHECK(code_of(guild::from_z85("Hell ")) == "z85_digit");
  CHECK(code_of(guild::from_z85(std::string_view("Hel\0o", 5))) == "z85_digit");
  CHECK(code_of(guild::from_z85("%nSc1")) == "z85_digit");
  CHECK(code_of(guild::from_z85("#####")) == "z85_digit");
}

TEST_CASE("numbers are stored little-endian at any address") {
  std::array<std::uint8_t, 9> memory{};
  guild::store_le<std::uint64_t>(memory.data() + 1, 0x0102030405060708U);
  CHECK(memory == std::array<std::uint8_t, 9>{0, 8, 7, 6, 5, 4, 3, 2, 1});
  CHECK(guild::load_le<std::uint64_t>(memory.data() + 1) == 0x0102030405060708U);
  CHECK(guild::load_le<std::uint16_t>(memory.data() + 1) == 0x0708U);
  guild::store_le<std::int64_t>(memory.data(), -2);
  CHECK(guild::load_le<std::int64_t>(memory.data()) == -2);
  CHECK(guild::load_le<std::int32_t>(memory.data()) == -2);
}

TEST_CASE("SHA-256 gives the digests of FIPS 180-4, again and again") {
  const std::string empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(guild::to_hex(guild::sha256({})) == empty);
  CHECK(guild::to_hex(guild::sha256(guild::as_bytes("abc"))) == abc);
  CHECK(guild::to_hex(guild::sha256({})) == empty);
}

TEST_CASE("a keyed hash is BLAKE2b-256 and depends on the key") {
  const Bytes key(32, 1);
  const Bytes other_key(32, 2);
  const auto text = guild::as_bytes("abc");
  // Python: hashlib.blake2b(b"abc", key=bytes([1] * 32), digest_size=32).hexdigest()
  CHECK(guild::to_hex(guild::keyed_hash(key, text)) ==
        "8cc77af752046919e25cca7b87a17aaa67fb6aad75964f730a1c2178c986505c");
  CHECK(guild::keyed_hash(key, text) != guild::keyed_hash(other_key, text));
}

TEST_CASE("a constant-time comparison still compares") {
  CHECK(guild::equal_in_constant_time(Bytes{}, Bytes{}));
  CHECK(guild::equal_in_constant_time(Bytes{1, 2}, Bytes{1, 2}));
  CHECK_FALSE(guild::equal_in_constant_time(Bytes{1, 2}, Bytes{1, 3}));
  CHECK_FALSE(guild::equal_in_constant_time(Bytes{1, 2}, Bytes{1}));
  CHECK_FALSE(guild::equal_in_constant_time(Bytes{1, 2}, Bytes{}));
}

TEST_CASE("an error keeps its story, the innermost cause last") {
  const guild::Error cause{guild::ErrorKind::denied, "mode", "a.key: mode 0644", "run: chmod"};
  const guild::Error told = cause.while_doing("load the key").while_doing("start");
  CHECK(told.message == "start: load the key: a.key: mode 0644");
  CHECK(told.text() == "start: load the key: a.key: mode 0644; run: chmod");
  CHECK(told.code == "mode");
  CHECK(told.kind == guild::ErrorKind::denied);
  CHECK(cause.message == "a.key: mode 0644");
}

TEST_CASE("every kind of error has a name that leads back to it") {
  using enum guild::ErrorKind;
  for (const auto kind :
       {failed, invalid, not_found, denied, timeout, funds, conflict, exhausted, unavailable}) {
    CHECK(guild::error_kind_from(guild::to_string(kind)) == kind);
  }
  CHECK(guild::to_string(not_found) == "not_found");
  CHECK(guild::error_kind_from("no such kind") == failed);
  CHECK(guild::error_kind_from("") == failed);
}

TEST_CASE("a system error names the action, the cause and, for a full disk, the way out") {
  const guild::Error denied = guild::system_error("open x", EACCES);
  CHECK(denied.message == "open x: Permission denied");
  CHECK(denied.kind == guild::ErrorKind::failed);
  const guild::Error full = guild::system_error("write x", ENOSPC);
  CHECK(full.kind == guild::ErrorKind::exhausted);
  CHECK(full.code == "disk_full");
  CHECK_FALSE(full.next_step.empty());
}
