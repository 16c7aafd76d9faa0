#include "ledgerd/economy/questions.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "common/base/bytes.hpp"
#include "common/messages/codec_impl.hpp"
#include "ledgerd/economy/market.hpp"

namespace guild::ledgerd::economy {

/// A line as it is written. Amounts and durations are read here and not by the codec, whose errors
/// show what they found.
struct QuestionLine {
  Text<2'000> question;
  Text<1'000> answer;
  std::optional<Text<64>> bounty, deadline;
};
BOOST_DESCRIBE_STRUCT(QuestionLine, (), (question, answer, bounty, deadline))

namespace {

constexpr std::string_view next_step = "mend the file; nothing was changed";

std::unexpected<Error> unfit(std::string code, std::string message) {
  return fail(ErrorKind::invalid, std::move(code), std::move(message), std::string(next_step));
}

std::unexpected<Error> wrong_value(std::string_view field, std::string_view expected) {
  return unfit("field_value", fmt::format("field {}: it is not {}", field, expected));
}

Result<Money> bounty_of(const QuestionLine& line, const QuestionTerms& terms) {
  if (!line.bounty) return terms.bounty;
  const auto bounty = Money::parse(line.bounty->view());
  if (bounty && bounty->is_positive()) return *bounty;
  return wrong_value("bounty", "an amount above zero, as in \"25.00\", of at most eight places");
}

Result<Duration> deadline_of(const QuestionLine& line, const QuestionTerms& terms) {
  if (!line.deadline) return terms.deadline;
  const auto deadline = parse_duration(line.deadline->view());
  if (deadline && *deadline > Duration::zero() && *deadline <= terms.deadline_max) return *deadline;
  return wrong_value("deadline", fmt::format("a time, as in \"1h\", above zero and up to {}",
                                             to_text(terms.deadline_max)));
}

Result<Question> read_question(std::string_view text, const QuestionTerms& terms) {
  GUILD_TRY(const auto line, messages::decode<QuestionLine>(text));
  if (trimmed(line.question.view()).empty()) return wrong_value("question", "a text: it is empty");
  if (trimmed(line.answer.view()).empty()) return wrong_value("answer", "a text: it is empty");
  Question question;
  question.digest = digest_of_question(line.question.view());
  question.market.kind = messages::MarketKind::research;
  question.market.question = line.question;
  question.market.answer = line.answer;
  GUILD_TRY(question.market.bounty, bounty_of(line, terms));
  GUILD_TRY(question.market.deadline, deadline_of(line, terms));
  return question;
}

/// Reads line after line; each question is there once.
class Reading {
 public:
  explicit Reading(const QuestionTerms& terms) : terms_(terms) {}

  Result<void> take(std::string_view line) {
    if (questions_.size() == questions_max)
      return unfit("questions_too_many", fmt::format("more than {} questions", questions_max));
    if (trimmed(line).empty()) return unfit("json_invalid", "an empty line");
    GUILD_TRY(Question question, read_question(line, terms_));
    question.line = questions_.size() + 1;
    const auto [known, is_new] = lines_.try_emplace(question.digest, question.line);
    if (!is_new)
      return unfit("question_repeated",
                   fmt::format("field question: the same as on line {}", known->second));
    questions_.push_back(std::move(question));
    return {};
  }
  std::size_t lines() const { return questions_.size(); }
  Questions take_all() { return std::move(questions_); }

 private:
  const QuestionTerms& terms_;
  Questions questions_;
  std::map<Digest, std::size_t> lines_;
};

}  // namespace

Digest digest_of_question(std::string_view question) { return sha256(as_bytes(trimmed(question))); }

Result<QuestionTerms> question_terms(const host::MarketMakerSettings& settings,
                                     const Constants& constants) {
  const QuestionTerms terms{.bounty = settings.bounty.value_or(constants.default_bounty),
                            .deadline = settings.deadline.value_or(constants.default_deadline),
                            .deadline_max = constants.deadline_max};
  if (terms.deadline <= terms.deadline_max) return terms;
  return fail(ErrorKind::invalid, "deadline_unfit",
              fmt::format("the market maker's questions would be open for {}, a market is for {} "
                          "at most",
                          to_text(terms.deadline), to_text(terms.deadline_max)),
              "lower [market_maker] deadline, or raise [economy] deadline_max");
}

Result<Questions> read_questions(std::string_view text, std::string_view file_name,
                                 const QuestionTerms& terms) {
  if (text.size() > questions_bytes_max)
    return unfit("questions_too_large",
                 fmt::format("{}: larger than {} bytes", file_name, questions_bytes_max));
  if (trimmed(text).empty())
    return unfit("questions_empty", fmt::format("{}: there is no question in it", file_name));
  Reading reading(terms);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (auto taken = reading.take(text.substr(0, end)); !taken) {
      Error error = std::move(taken).error();
      error.message = fmt::format("{}:{}: {}", file_name, reading.lines() + 1, error.message);
      return fail(std::move(error));
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return reading.take_all();
}

}  // namespace guild::ledgerd::economy
