namespace Hospes.Virtio;

/// <summary>Numbers of input devices (virtio 1.2, 5.8).</summary>
public static class InputLayout
{
    /// <summary>Numbers of the queues (5.8.2): events for the driver, states from it.</summary>
    public const int Events = 0, States = 1, Queues = 2;

    /// <summary>Fields of the configuration (5.8.4): what is asked for, its second half, how many bytes the answer has, the answer.</summary>
    public const int Select = 0, Subselect = 1, Size = 2, Data = 8, DataBytes = 128, ConfigBytes = Data + DataBytes;

    /// <summary>Bytes of an event: type and code of 16 bits, a value of 32 (5.8.6).</summary>
    public const int EventSize = 8;

    /// <summary>Questions (5.8.5): name, serial, identity, properties, codes of an event's type, range of an axis.</summary>
    public const byte Name = 0x01, Serial = 0x02, Identity = 0x03, Properties = 0x10, EventBits = 0x11, AxisInfo = 0x12;
}

/// <summary>Types of events, with the numbers that Linux gives them (<c>input-event-codes.h</c>), to which 5.8.6 refers.</summary>
public enum InputEventType : ushort
{
    /// <summary>A group of events is complete.</summary>
    Sync = 0,

    /// <summary>A key or button.</summary>
    Key = 1,

    /// <summary>A movement or a wheel.</summary>
    Relative = 2,

    /// <summary>A place.</summary>
    Absolute = 3,

    /// <summary>A light of a keyboard.</summary>
    Led = 0x11,

    /// <summary>The driver repeats keys that are held.</summary>
    Repeat = 0x14,
}

/// <summary>An event (5.8.6).</summary>
/// <param name="Type">Its type.</param>
/// <param name="Code">Which key, axis or light.</param>
/// <param name="Value">1 for pressed or on, 0 for released or off; a distance; a place.</param>
public readonly record struct InputEvent(InputEventType Type, ushort Code, int Value);

/// <summary>What an input device has.</summary>
/// <param name="Name">What people are told: up to 128 bytes of ASCII.</param>
/// <param name="Product">Its product's number under the vendor of QEMU's devices.</param>
/// <param name="PciClass">Its PCI class.</param>
public sealed record InputModel(string Name, ushort Product, uint PciClass)
{
    /// <summary>A keyboard: every key that there is a number for below the buttons, and three lights.</summary>
    public static InputModel Keyboard { get; } = new("Hospes keyboard", 1, 0x090000)
    {
        Codes = new Dictionary<InputEventType, IReadOnlyList<ushort>>
        {
            [InputEventType.Key] = [.. Enumerable.Range(1, LastKey).Select(static code => (ushort)code)],
            [InputEventType.Led] = [0, 1, 2],
            [InputEventType.Repeat] = [],
        },
    };

    /// <summary>A tablet: places from 0 to <see cref="AxisEnd"/>, five buttons, two wheels.</summary>
    public static InputModel Tablet { get; } = new("Hospes tablet", 3, 0x098000)
    {
        Codes = new Dictionary<InputEventType, IReadOnlyList<ushort>>
        {
            // BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA; REL_HWHEEL, REL_WHEEL; ABS_X, ABS_Y.
            [InputEventType.Key] = [0x110, 0x111, 0x112, 0x113, 0x114],
            [InputEventType.Relative] = [6, 8],
            [InputEventType.Absolute] = [0, 1],
        },
    };

    /// <summary>The largest number of a key, and the largest place on an axis.</summary>
    public const int LastKey = 0xFF, AxisEnd = 0x7FFF;

    /// <summary>The codes of each type of event that the device has.</summary>
    public required IReadOnlyDictionary<InputEventType, IReadOnlyList<ushort>> Codes { get; init; }

    /// <summary>Whether the device has that event.</summary>
    /// <param name="type">The type.</param>
    /// <param name="code">The code.</param>
    public bool Has(InputEventType type, ushort code) => Codes.TryGetValue(type, out IReadOnlyList<ushort>? codes) && codes.Contains(code);
}
