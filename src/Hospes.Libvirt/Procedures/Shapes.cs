using Hospes.Domains.Lifecycle;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>Nothing, both ways.</summary>
internal readonly record struct Nothing : IArguments<Nothing>, IResult
{
    public static Nothing Read(ref XdrReader reader) => default;

    public void Write(XdrWriter writer)
    {
    }
}

/// <summary>A domain on the wire (<c>remote_nonnull_domain</c>). Only the UUID counts when a client sends it.</summary>
internal readonly record struct DomainName(string Name, Guid Uuid, int Id) : IArguments<DomainName>, IResult
{
    public static DomainName Of(ManagedDomain domain)
    {
        DomainSnapshot now = domain.Now;
        return new DomainName(now.Name, domain.Uuid, now.Id);
    }

    public static DomainName Read(ref XdrReader reader) => new(reader.Text(), reader.Uuid(), reader.Int32());

    public void Write(XdrWriter writer)
    {
        writer.Text(Name);
        writer.Uuid(Uuid);
        writer.Int32(Id);
    }
}

/// <summary>A domain and flags.</summary>
internal readonly record struct DomainAndFlags(DomainName Domain, uint Flags) : IArguments<DomainAndFlags>
{
    public static DomainAndFlags Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.UInt32());
}

/// <summary>A domain and a number.</summary>
internal readonly record struct DomainAndInt(DomainName Domain, int Value) : IArguments<DomainAndInt>
{
    public static DomainAndInt Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Int32());
}

/// <summary>A domain, an amount and flags.</summary>
internal readonly record struct DomainAmountFlags(DomainName Domain, ulong Amount, uint Flags) : IArguments<DomainAmountFlags>
{
    public static DomainAmountFlags Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.UInt64(), reader.UInt32());
}

/// <summary>A domain and an amount.</summary>
internal readonly record struct DomainAndAmount(DomainName Domain, ulong Amount) : IArguments<DomainAndAmount>
{
    public static DomainAndAmount Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.UInt64());
}

/// <summary>A domain and a string.</summary>
internal readonly record struct DomainAndText(DomainName Domain, string Text) : IArguments<DomainAndText>
{
    public static DomainAndText Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Text());
}

/// <summary>A domain, an optional string and flags.</summary>
internal readonly record struct DomainTextFlags(DomainName Domain, string? Text, uint Flags) : IArguments<DomainTextFlags>
{
    public static DomainTextFlags Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.OptionalText(), reader.UInt32());
}

/// <summary>A domain, two numbers and flags.</summary>
internal readonly record struct DomainTwoIntsFlags(DomainName Domain, int First, int Second, uint Flags) : IArguments<DomainTwoIntsFlags>
{
    public static DomainTwoIntsFlags Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Int32(), reader.Int32(), reader.UInt32());
}

/// <summary>A domain, a number and flags.</summary>
internal readonly record struct DomainIntFlags(DomainName Domain, int Value, uint Flags) : IArguments<DomainIntFlags>
{
    public static DomainIntFlags Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Int32(), reader.UInt32());
}

/// <summary>A string.</summary>
internal readonly record struct Words(string Text) : IArguments<Words>, IResult
{
    public static Words Read(ref XdrReader reader) => new(reader.Text());

    public void Write(XdrWriter writer) => writer.Text(Text);
}

/// <summary>A string and flags.</summary>
internal readonly record struct TextAndFlags(string Text, uint Flags) : IArguments<TextAndFlags>
{
    public static TextAndFlags Read(ref XdrReader reader) => new(reader.Text(), reader.UInt32());
}

/// <summary>An optional string and flags.</summary>
internal readonly record struct OptionalTextFlags(string? Text, uint Flags) : IArguments<OptionalTextFlags>
{
    public static OptionalTextFlags Read(ref XdrReader reader) => new(reader.OptionalText(), reader.UInt32());
}

/// <summary>An optional string.</summary>
internal readonly record struct OptionalWords(string? Text) : IArguments<OptionalWords>, IResult
{
    public static OptionalWords Read(ref XdrReader reader) => new(reader.OptionalText());

    public void Write(XdrWriter writer) => writer.OptionalText(Text);
}

/// <summary>A UUID.</summary>
internal readonly record struct Identity(Guid Uuid) : IArguments<Identity>
{
    public static Identity Read(ref XdrReader reader) => new(reader.Uuid());
}

/// <summary>A number.</summary>
internal readonly record struct Number(int Value) : IArguments<Number>, IResult
{
    public static Number Read(ref XdrReader reader) => new(reader.Int32());

    public void Write(XdrWriter writer) => writer.Int32(Value);
}

/// <summary>Flags alone.</summary>
internal readonly record struct FlagsOnly(uint Flags) : IArguments<FlagsOnly>
{
    public static FlagsOnly Read(ref XdrReader reader) => new(reader.UInt32());
}

/// <summary>An amount.</summary>
internal readonly record struct Amount(ulong Value) : IResult
{
    public void Write(XdrWriter writer) => writer.UInt64(Value);
}

/// <summary>Two numbers.</summary>
internal readonly record struct TwoNumbers(int First, int Second) : IArguments<TwoNumbers>, IResult
{
    public static TwoNumbers Read(ref XdrReader reader) => new(reader.Int32(), reader.Int32());

    public void Write(XdrWriter writer)
    {
        writer.Int32(First);
        writer.Int32(Second);
    }
}

/// <summary>Two numbers and flags; also "are items wanted" and flags with the second left out.</summary>
internal readonly record struct TwoIntsFlags(int First, int Second, uint Flags) : IArguments<TwoIntsFlags>
{
    public static TwoIntsFlags Read(ref XdrReader reader) => new(reader.Int32(), reader.Int32(), reader.UInt32());
}

/// <summary>Whether items are wanted, and flags.</summary>
internal readonly record struct ListWish(int NeedResults, uint Flags) : IArguments<ListWish>
{
    public static ListWish Read(ref XdrReader reader) => new(reader.Int32(), reader.UInt32());
}

/// <summary>Strings.</summary>
internal readonly record struct TextList(IReadOnlyList<string> Items) : IResult
{
    public void Write(XdrWriter writer)
    {
        writer.Int32(Items.Count);
        foreach (string item in Items) writer.Text(item);
    }
}

/// <summary>Numbers.</summary>
internal readonly record struct NumberList(IReadOnlyList<int> Items) : IResult
{
    public void Write(XdrWriter writer)
    {
        writer.Int32(Items.Count);
        foreach (int item in Items) writer.Int32(item);
    }
}

/// <summary>Typed parameters, with their number behind them where the answer has it.</summary>
internal readonly record struct Parameters(IReadOnlyList<TypedParameter> Items, int? Count = null) : IResult
{
    public void Write(XdrWriter writer)
    {
        writer.Int32(Items.Count);
        foreach (TypedParameter item in Items) item.Write(writer);
        if (Count is { } count) writer.Int32(count);
    }
}

/// <summary>Names with amounts (<c>remote_node_get_cpu_stats</c>, <c>remote_node_get_memory_stats</c>), with their number behind them.</summary>
internal readonly record struct NamedAmounts(IReadOnlyList<(string Name, ulong Value)> Items, int Count) : IResult
{
    public void Write(XdrWriter writer)
    {
        writer.Int32(Items.Count);
        foreach ((string name, ulong value) in Items)
        {
            writer.Text(name);
            writer.UInt64(value);
        }
        writer.Int32(Count);
    }
}

/// <summary>An empty list with the number of its items, whatever their type.</summary>
internal readonly record struct EmptyList : IResult
{
    public void Write(XdrWriter writer)
    {
        writer.Int32(0);
        writer.UInt32(0);
    }
}
