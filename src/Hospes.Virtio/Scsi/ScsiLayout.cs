namespace Hospes.Virtio;

/// <summary>The SCSI host device's numbers (virtio 1.2, 5.6).</summary>
internal static class ScsiLayout
{
    /// <summary>Feature bits (5.6.3): the device tells of units that come and go; and of those whose parameters changed.</summary>
    public const ulong Hotplug = 1 << 1, Change = 1 << 2;

    /// <summary>Queues (5.6.2); those from <see cref="FirstRequestQueue"/> on are for commands.</summary>
    public const int ControlQueue = 0, EventQueue = 1, FirstRequestQueue = 2;

    /// <summary>Fields of the configuration (5.6.4).</summary>
    public const int QueuesField = 0, SegmentsField = 4, SectorsField = 8, CommandsField = 12, EventSizeField = 16, SenseSizeField = 20, CdbSizeField = 24,
        MaxChannelField = 28, MaxTargetField = 30, MaxLunField = 32, ConfigBytes = 36;

    /// <summary>What the two sizes are that a driver may change, until it does, and what they may be (5.6.4).</summary>
    public const int UsualSense = 96, UsualCdb = 32, MostSense = 252, MostCdb = 255;

    /// <summary>A command (5.6.6.1): the unit's address, the command's id, attributes; the CDB follows.</summary>
    public const int LunSize = 8, IdField = 8, CdbField = 19;

    /// <summary>An answer to a command (5.6.6.1): bytes of sense data, bytes that did not pass, status, response; sense data and data follow.</summary>
    public const int SenseLengthField = 0, ResidualField = 4, StatusField = 10, ResponseField = 11, SenseField = 12;

    /// <summary>A control request (5.6.6.2): its type; of task management the kind, the unit and the command, of event requests the unit.</summary>
    public const int TypeSize = 4, ManagementSize = 24, ManagementKindField = 4, ManagementLunField = 8, ManagementIdField = 16, NotificationSize = 16;

    /// <summary>Types of control requests.</summary>
    public const uint Management = 0, NotificationQuery = 1, NotificationSubscribe = 2;

    /// <summary>Bytes of an answer to task management, and of one to an event request, whose last byte is the response.</summary>
    public const int ManagementAnswer = 1, NotificationAnswer = 5;

    /// <summary>An event (5.6.6.3): what, which unit, why.</summary>
    public const int EventSize = 16, EventLunField = 4, EventReasonField = 12;

    /// <summary>Events: nothing but missed ones; a parameter changed. The flag says that events were missed for want of buffers.</summary>
    public const uint NoEvent = 0, ParameterChange = 3, EventsMissed = 0x80000000;

    /// <summary>The first byte of a unit's address; the second is the target, and the next two are the unit's number in one of two forms (5.6.6.1).</summary>
    public const byte LunFormat = 1, LunFlat = 0x40;

    /// <summary>The highest target, and the highest number of a unit.</summary>
    public const int MostTarget = 255, MostLun = 255;
}

/// <summary>What becomes of a request (virtio 1.2, 5.6.6.1).</summary>
internal enum ScsiResponse : byte
{
    /// <summary>The command was done: its status says how. Of task management: it is done.</summary>
    Done = 0,

    /// <summary>The command has more data than the buffers hold.</summary>
    Overrun = 1,

    /// <summary>The command was aborted.</summary>
    Aborted = 2,

    /// <summary>There is no such target.</summary>
    BadTarget = 3,

    /// <summary>A reset took the command away.</summary>
    Reset = 4,

    /// <summary>It can't be done.</summary>
    Failure = 9,

    /// <summary>Of task management: the command that was asked for is there.</summary>
    Succeeded = 10,

    /// <summary>Of task management: there is no such function.</summary>
    Rejected = 11,

    /// <summary>Of task management: there is no such unit.</summary>
    IncorrectLun = 12,
}

/// <summary>What task management does (virtio 1.2, 5.6.6.2).</summary>
internal enum ScsiManagement : uint
{
    /// <summary>One command is to end.</summary>
    AbortTask = 0,

    /// <summary>All commands of a unit are to end.</summary>
    AbortTaskSet = 1,

    /// <summary>There is no auto contingent allegiance here.</summary>
    ClearAca = 2,

    /// <summary>All commands of a unit are to end.</summary>
    ClearTaskSet = 3,

    /// <summary>All units of a target are reset.</summary>
    NexusReset = 4,

    /// <summary>A unit is reset.</summary>
    UnitReset = 5,

    /// <summary>Is a command there?</summary>
    QueryTask = 6,

    /// <summary>Is any command there?</summary>
    QueryTaskSet = 7,
}
