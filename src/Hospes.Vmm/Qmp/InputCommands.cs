using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Display;
using Hospes.Qmp;
using Hospes.Qmp.Schema;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands that press keys and move pointers (QEMU, <c>qapi/ui.json</c>).</summary>
internal sealed class InputCommands(DomainControl control) : IDisposable
{
    private const int UsualHold = 100, MostEvents = InputHub.LargestGroup;

    private static readonly (string Name, InputAction Down)[] s_buttons =
    [
        ("left", Button(PointerCodes.Left)), ("middle", Button(PointerCodes.Middle)), ("right", Button(PointerCodes.Right)),
        ("wheel-up", Wheel(PointerCodes.Wheel, 1)), ("wheel-down", Wheel(PointerCodes.Wheel, -1)),
        ("side", Button(PointerCodes.Side)), ("extra", Button(PointerCodes.Extra)),
        ("wheel-left", Wheel(PointerCodes.HorizontalWheel, -1)), ("wheel-right", Wheel(PointerCodes.HorizontalWheel, 1)),
    ];

    private static readonly QmpObject s_key = new(new QmpMember("type", new QmpEnum("number", "qcode")))
    {
        Tag = "type",
        Variants = new Dictionary<string, QmpObject>
        {
            ["number"] = new(new QmpMember("data", QmpType.Integer)),
            ["qcode"] = new(new QmpMember("data", new QmpEnum([.. KeyTable.All.Select(static key => key.Name)]))),
        },
    };

    private readonly KeyPlayer _player = new(control.Seat.Inputs, control.Options.Time);

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var axis = new QmpObject(new("axis", new QmpEnum("x", "y")), new("value", QmpType.Integer));
            var button = new QmpObject(new("button", new QmpEnum([.. s_buttons.Select(static at => at.Name)])), new("down", QmpType.Bool));
            var happening = new QmpObject(new QmpMember("type", new QmpEnum("key", "btn", "rel", "abs")))
            {
                Tag = "type",
                Variants = new Dictionary<string, QmpObject>
                {
                    ["key"] = Data(new QmpObject(new("key", s_key), new("down", QmpType.Bool))),
                    ["btn"] = Data(button),
                    ["rel"] = Data(axis),
                    ["abs"] = Data(axis),
                },
            };
            var mouse = new QmpObject(new("name", QmpType.Text), new("index", QmpType.Integer), new("current", QmpType.Bool), new("absolute", QmpType.Bool));
            yield return new("send-key", new QmpObject(new("keys", new QmpArray(s_key)), new("hold-time", QmpType.Integer, IsOptional: true)), QmpObject.Empty, SendKey);
            yield return new(
                "input-send-event",
                new QmpObject(new("device", QmpType.Text, IsOptional: true), new("head", QmpType.Integer, IsOptional: true), new("events", new QmpArray(happening))),
                QmpObject.Empty, SendEvents);
            yield return new("query-mice", QmpObject.Empty, new QmpArray(mouse), _ => Mice());
        }
    }

    /// <summary>Presses keys by their names or numbers, for people.</summary>
    /// <param name="text">The keys with <c>-</c> between them.</param>
    /// <param name="hold">How many milliseconds they are held; null for as long as usual.</param>
    public QmpResult SendKey(string text, long? hold)
    {
        var keys = new List<ushort>();
        foreach (string name in text.Split('-'))
        {
            bool isKey = KeyTable.TryFind(name, out ushort code)
                || (CommandLine.OptionReader.TryNumber(name, out ulong number) && number <= ushort.MaxValue && KeyTable.TryFind((long)number, out code));
            if (!isKey) return QmpError.Generic($"invalid parameter: {name}");
            keys.Add(code);
        }
        return Play(keys, hold);
    }

    /// <inheritdoc/>
    public void Dispose() => _player.Dispose();

    private static QmpObject Data(QmpObject of) => new(new QmpMember("data", of));

    private static InputAction Button(ushort code) => new(InputKind.Key, code, 1);

    private static InputAction Wheel(ushort code, int way) => new(InputKind.Relative, code, way);

    private static bool TryKey(JsonElement key, out ushort code)
    {
        JsonElement data = key.GetProperty("data");
        return data.ValueKind == JsonValueKind.String ? KeyTable.TryFind(data.GetString()!, out code) : KeyTable.TryFind(data.GetInt64(), out code);
    }

    private QmpResult SendKey(QmpArguments arguments)
    {
        var keys = new List<ushort>();
        foreach (JsonElement key in arguments["keys"]!.Value.EnumerateArray())
        {
            if (!TryKey(key, out ushort code)) return NoKey;
            keys.Add(code);
        }
        return Play(keys, arguments.Integer("hold-time"));
    }

    private static QmpError NoKey => QmpError.Generic("Parameter 'data' expects the number of a key");

    private QmpResult Play(List<ushort> keys, long? hold)
    {
        if (keys.Count > MostEvents) return QmpError.Generic($"Parameter 'keys' expects up to {MostEvents} keys");
        if (hold is < 0 or > int.MaxValue) return QmpError.Generic("Parameter 'hold-time' expects a number of milliseconds");
        return _player.Play(keys, TimeSpan.FromMilliseconds(hold ?? UsualHold)) ? QmpResult.Done : QmpError.Generic("Too many keys wait");
    }

    private QmpResult SendEvents(QmpArguments arguments)
    {
        if (control.State != RunState.Running) return QmpError.Generic("VM not running");
        if (arguments.Text("device") is { } device && control.Devices.All(at => at.Id != device)) return QmpError.NoDevice(device);
        JsonElement events = arguments["events"]!.Value;
        if (events.GetArrayLength() > MostEvents) return QmpError.Generic($"Parameter 'events' expects up to {MostEvents} events");
        var group = new List<InputAction>();
        foreach (JsonElement at in events.EnumerateArray())
        {
            string type = at.GetProperty("type").GetString()!;
            if (Translate(type, at.GetProperty("data")) is not { } action) return NoKey;
            if (!control.Seat.Inputs.Takes(action)) return QmpError.Generic($"Input handler not found for event type {type}");
            // A wheel has turned when its button goes down.
            if (action is not { Kind: InputKind.Relative, Value: 0 }) group.Add(action);
        }
        control.Seat.Inputs.Send([.. group]);
        return QmpResult.Done;
    }

    private static InputAction? Translate(string type, JsonElement data)
    {
        switch (type)
        {
            case "key":
                return TryKey(data.GetProperty("key"), out ushort code) ? new InputAction(InputKind.Key, code, Down(data)) : null;
            case "btn":
                string name = data.GetProperty("button").GetString()!;
                InputAction button = s_buttons.First(at => at.Name == name).Down;
                return button with { Value = button.Value * Down(data) };
            default:
                ushort axis = data.GetProperty("axis").GetString() == "x" ? PointerCodes.X : PointerCodes.Y;
                long value = data.GetProperty("value").GetInt64();
                return type == "abs"
                    ? new InputAction(InputKind.Absolute, axis, (int)Math.Clamp(value, 0, InputHub.AxisEnd))
                    : new InputAction(InputKind.Relative, axis, (int)Math.Clamp(value, int.MinValue, int.MaxValue));
        }
    }

    private static int Down(JsonElement data) => data.GetProperty("down").GetBoolean() ? 1 : 0;

    private JsonArray Mice() =>
        [.. control.Seat.Inputs.Targets.Where(static target => target.IsAbsolute)
            .Select(static (target, index) => (JsonNode)new JsonObject { ["name"] = target.Name, ["index"] = index, ["current"] = index == 0, ["absolute"] = true })];
}
