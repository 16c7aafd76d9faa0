// Decimal text: what is money prints as text that is the same money.
#include <cstdlib>

#include "common/base/bytes.hpp"
#include "common/base/money.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto money = guild::Money::parse(guild::as_text({data, size}));
  if (!money) return 0;
  const auto again = guild::Money::parse(money->text());
  if (!again || *again != *money) std::abort();
  return 0;
}
