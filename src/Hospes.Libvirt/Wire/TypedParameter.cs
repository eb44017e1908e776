using System.Runtime.InteropServices;

namespace Hospes.Libvirt.Wire;

/// <summary>The types of typed parameters (<c>virTypedParameterType</c>).</summary>
public enum ParameterType
{
    /// <summary>A signed integer.</summary>
    Int = 1,

    /// <summary>An unsigned integer.</summary>
    UInt = 2,

    /// <summary>A signed hyper integer.</summary>
    Long = 3,

    /// <summary>An unsigned hyper integer.</summary>
    ULong = 4,

    /// <summary>A double.</summary>
    Double = 5,

    /// <summary>A boolean.</summary>
    Boolean = 6,

    /// <summary>A string.</summary>
    Text = 7,
}

/// <summary>A named value with its type (<c>remote_typed_param</c>).</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct TypedParameter
{
    private TypedParameter(string name, ParameterType type, long number, string? text)
    {
        Name = name;
        Type = type;
        Number = number;
        Words = text;
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The type.</summary>
    public ParameterType Type { get; }

    /// <summary>The value of numbers: as it is, or its bits.</summary>
    public long Number { get; }

    /// <summary>The value of strings.</summary>
    public string? Words { get; }

    /// <summary>A signed integer.</summary>
    public static TypedParameter Int(string name, int value) => new(name, ParameterType.Int, value, null);

    /// <summary>An unsigned integer.</summary>
    public static TypedParameter UInt(string name, uint value) => new(name, ParameterType.UInt, value, null);

    /// <summary>A signed hyper integer.</summary>
    public static TypedParameter Long(string name, long value) => new(name, ParameterType.Long, value, null);

    /// <summary>An unsigned hyper integer.</summary>
    public static TypedParameter ULong(string name, ulong value) => new(name, ParameterType.ULong, (long)value, null);

    /// <summary>A string.</summary>
    public static TypedParameter Text(string name, string value) => new(name, ParameterType.Text, 0, value);

    internal static TypedParameter Read(ref XdrReader reader)
    {
        string name = reader.Text(80);
        var type = (ParameterType)reader.Int32();
        return type switch
        {
            ParameterType.Int or ParameterType.Boolean => new TypedParameter(name, type, reader.Int32(), null),
            ParameterType.UInt => new TypedParameter(name, type, reader.UInt32(), null),
            ParameterType.Long or ParameterType.ULong or ParameterType.Double => new TypedParameter(name, type, reader.Int64(), null),
            ParameterType.Text => new TypedParameter(name, type, 0, reader.Text()),
            // No such arm: what follows cannot be told apart.
            _ => Unknown(ref reader),
        };
    }

    internal void Write(XdrWriter writer)
    {
        writer.Text(Name);
        writer.Int32((int)Type);
        switch (Type)
        {
            case ParameterType.Int or ParameterType.UInt or ParameterType.Boolean:
                writer.Int32((int)Number);
                break;
            case ParameterType.Text:
                writer.Text(Words!);
                break;
            default:
                writer.Int64(Number);
                break;
        }
    }

    private static TypedParameter Unknown(ref XdrReader reader)
    {
        reader.Fail();
        return default;
    }
}
