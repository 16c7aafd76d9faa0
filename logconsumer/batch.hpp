// Batch: what is written in one transaction, at most `[logconsumer] batch_records_max` records of
// any number of producers. Made by the intake, written by the store, shared by both threads and
// changed by neither once it is full. Rows point to their stream by its place in `streams`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/messages/logs.hpp"

namespace guild::logconsumer {

/// One life of one producer. `producer` is the sender as the broker stamped it.
struct StreamName {
  std::string producer;
  Uuid boot;

  bool operator==(const StreamName&) const = default;
};

struct Batch {
  struct Row {
    std::size_t stream;
    messages::LogRecord record;
  };
  std::vector<StreamName> streams;
  std::vector<Row> rows;  ///< In order of arrival; within a stream by number.
};

}  // namespace guild::logconsumer
