// What of a SubmitTask is checked before anything is asked or written. Pure.
// Codes (kind invalid): id_missing, command_empty, command_too_big, timeout_range, cost_negative,
// cost_without_bot.
#pragma once

#include <cstddef>

#include "common/messages/scheduler.hpp"

namespace guild::scheduler {

/// All arguments together. With every byte escaped in JSON, a Task still fits a bus payload.
inline constexpr std::size_t command_bytes_max = 131'072;
inline constexpr Duration timeout_min = std::chrono::seconds(1);
inline constexpr Duration timeout_max = std::chrono::hours(24);

Result<void> check_submission(const messages::SubmitTask& submission);

}  // namespace guild::scheduler
