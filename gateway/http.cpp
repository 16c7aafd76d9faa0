#include "gateway/http.hpp"

#include <boost/url/src.hpp>

#include "common/base/text.hpp"
#include "common/messages/gateway.hpp"

namespace guild::gateway {

namespace {

std::string_view title_of(unsigned status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Not enough funds";
    case 403:
      return "Forbidden";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 408:
      return "Request timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content too large";
    case 415:
      return "Unsupported media type";
    case 421:
      return "Misdirected request";
    case 429:
      return "Too many requests";
    case 431:
      return "Header fields too large";
    case 503:
      return "Service unavailable";
    case 504:
      return "Gateway timeout";
    default:
      return "Internal server error";
  }
}

// Codes whose status is finer than their kind's.
const std::map<std::string_view, unsigned> status_of_code = {
    {"credential_missing", 401},   {"credentials_invalid", 401}, {"method_not_allowed", 405},
    {"request_timeout", 408},      {"body_too_large", 413},      {"content_type", 415},
    {"host_not_allowed", 421},     {"header_too_large", 431},    {"queue_full", 429},
    {"too_many_connections", 503}, {"no_responder", 503},        {"responder_gone", 503},
    {"not_connected", 503},        {"session_lost", 503},        {"shutting_down", 503},
};

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
  const auto [first, last] = headers.equal_range(std::string(name));
  if (first == last || std::next(first) != last) return std::nullopt;
  return first->second;
}

Result<void> parse_target(std::string_view target, Request& request) {
  const auto parsed = boost::urls::parse_origin_form({target.data(), target.size()});
  if (!parsed) {
    return fail(ErrorKind::invalid, "target_invalid",
                "the request target is not a valid path: " + quoted(target));
  }
  for (const auto& segment : parsed->segments()) request.segments.emplace_back(segment);
  for (const auto& parameter : parsed->params())
    request.query.emplace(std::string(parameter.key), std::string(parameter.value));
  return {};
}

unsigned http_status(const Error& error) {
  if (const auto found = status_of_code.find(error.code); found != status_of_code.end())
    return found->second;
  switch (error.kind) {
    case ErrorKind::failed:
      return 500;
    case ErrorKind::invalid:
      return 400;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::denied:
      return 403;
    case ErrorKind::timeout:
      return 504;
    case ErrorKind::funds:
      return 402;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::exhausted:
      return 429;
    case ErrorKind::unavailable:
      return 503;
  }
  return 500;
}

Response problem(const Error& error) {
  const unsigned status = http_status(error);
  messages::Problem document{.type = "about:blank",
                             .title = std::string(title_of(status)),
                             .status = status,
                             .code = {},
                             .detail = {},
                             .next_step = {}};
  // The inside of a failure of ours (paths, SQL, system errors) is for the log, not for a caller.
  if (status != 500) {
    document.code = error.code;
    document.detail = error.message;
    if (!error.next_step.empty()) document.next_step = error.next_step;
  }
  Response response{.status = status,
                    .content_type = "application/problem+json",
                    .body = messages::encode(document),
                    .headers = {}};
  if (status == 401)
    response.headers.emplace_back("WWW-Authenticate",
                                  R"(Bearer realm="guildhall", Basic realm="guildhall")");
  return response;
}

}  // namespace guild::gateway
