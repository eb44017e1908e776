using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>Typed parameters (<c>remote_typed_param</c>) that are written as they are named, and counted.</summary>
internal ref struct ParameterRow(XdrWriter writer)
{
    /// <summary>How many there are so far.</summary>
    public int Count { get; private set; }

    public void Int(string name, int value)
    {
        Begin(name, ParameterType.Int);
        writer.Int32(value);
    }

    public void UInt(string name, uint value)
    {
        Begin(name, ParameterType.UInt);
        writer.UInt32(value);
    }

    public void ULong(string name, ulong value)
    {
        Begin(name, ParameterType.ULong);
        writer.UInt64(value);
    }

    public void Text(string name, string value)
    {
        Begin(name, ParameterType.Text);
        writer.Text(value);
    }

    private void Begin(string name, ParameterType type)
    {
        writer.Text(name);
        writer.Int32((int)type);
        Count++;
    }
}
