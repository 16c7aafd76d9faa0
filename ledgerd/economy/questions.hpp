// Questions: the file that the market maker asks from, read strictly. JSON lines, one question
// each, asked in their order; bounty and deadline may be left out:
//   {"question": "Capital of France?", "answer": "Paris", "bounty": "25.00", "deadline": "1h"}
// Pure. It holds answers: no error shows the value of a field.
// Limits: questions_bytes_max, questions_max, and those of OpenMarket for each field.
// Errors name file, line and field. Codes: those of the codec (json_invalid, field_unknown,
// field_missing, field_type, field_too_long, field_value), question_repeated, questions_empty,
// questions_too_many, questions_too_large.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/hash.hpp"
#include "common/messages/economy.hpp"
#include "ledgerd/economy/constants.hpp"

namespace guild::ledgerd::economy {

inline constexpr std::size_t questions_bytes_max = 4'194'304;
inline constexpr std::size_t questions_max = 10'000;

struct Question {
  std::size_t line = 0;         ///< From 1.
  Digest digest{};              ///< Of what is asked: by it a question is known again.
  messages::OpenMarket market;  ///< Without an id.
};
using Questions = std::vector<Question>;

/// What holds where a question says nothing.
struct QuestionTerms {
  Money bounty;
  Duration deadline{}, deadline_max{};
};
/// Code: deadline_unfit, when [market_maker] deadline is over [economy] deadline_max.
Result<QuestionTerms> question_terms(const host::MarketMakerSettings& settings,
                                     const Constants& constants);

Result<Questions> read_questions(std::string_view text, std::string_view file_name,
                                 const QuestionTerms& terms);

/// SHA-256 of the text without white space around it.
Digest digest_of_question(std::string_view question);

}  // namespace guild::ledgerd::economy
