#include "common/messages/scheduler.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(SubmitTask);
GUILD_MESSAGE(Task);
GUILD_MESSAGE(GetTask);
GUILD_MESSAGE(CancelTask);
GUILD_MESSAGE(ListTasks);
GUILD_MESSAGE(TasksPage);
GUILD_MESSAGE(GetTaskOutput);
GUILD_MESSAGE(TaskOutput);
GUILD_MESSAGE(WaitTask);

}  // namespace guild::messages
