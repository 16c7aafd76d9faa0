// A batch of transfers from a stranger: what decodes encodes to the same bytes.
#include <cstdlib>

#include "common/base/bytes.hpp"
#include "common/messages/transfer_batch.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = guild::as_text({data, size});
  if (const auto batch = guild::messages::decode_transfer_batch(bytes);
      batch && guild::messages::encode(*batch) != bytes)
    std::abort();
  if (const auto outcomes = guild::messages::decode_batch_outcomes(bytes);
      outcomes && guild::messages::encode(*outcomes) != bytes)
    std::abort();
  return 0;
}
