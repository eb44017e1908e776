using Hospes.Domains;
using Hospes.Domains.Catalogues;
using Hospes.Domains.Storage;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>A network or storage pool on the wire (<c>remote_nonnull_network</c>, <c>remote_nonnull_storage_pool</c>). Only the UUID counts when a client sends it.</summary>
internal readonly record struct ItemName(string Name, Guid Uuid) : IArguments<ItemName>, IResult
{
    public static ItemName Of<T>(CatalogueItem<T> item) where T : ICatalogued => new(item.Config.Name, item.Config.Uuid);

    public static ItemName Read(ref XdrReader reader) => new(reader.Text(), reader.Uuid());

    public void Write(XdrWriter writer)
    {
        writer.Text(Name);
        writer.Uuid(Uuid);
    }
}

/// <summary>A network or pool, and flags.</summary>
internal readonly record struct ItemAndFlags(ItemName Item, uint Flags) : IArguments<ItemAndFlags>
{
    public static ItemAndFlags Read(ref XdrReader reader) => new(ItemName.Read(ref reader), reader.UInt32());
}

/// <summary>A network or pool, and a number.</summary>
internal readonly record struct ItemAndInt(ItemName Item, int Value) : IArguments<ItemAndInt>
{
    public static ItemAndInt Read(ref XdrReader reader) => new(ItemName.Read(ref reader), reader.Int32());
}

/// <summary>A pool, a document or name, and flags.</summary>
internal readonly record struct ItemTextFlags(ItemName Item, string Text, uint Flags) : IArguments<ItemTextFlags>
{
    public static ItemTextFlags Read(ref XdrReader reader) => new(ItemName.Read(ref reader), reader.Text(), reader.UInt32());
}

/// <summary>A pool and a name.</summary>
internal readonly record struct ItemAndText(ItemName Item, string Text) : IArguments<ItemAndText>
{
    public static ItemAndText Read(ref XdrReader reader) => new(ItemName.Read(ref reader), reader.Text());
}

/// <summary>A pool, whether items are wanted, and flags.</summary>
internal readonly record struct ItemListWish(ItemName Item, int NeedResults, uint Flags) : IArguments<ItemListWish>
{
    public static ItemListWish Read(ref XdrReader reader) => new(ItemName.Read(ref reader), reader.Int32(), reader.UInt32());
}

/// <summary>A kind of event, and what it is to happen to, or null for all.</summary>
internal readonly record struct ItemEventWish(int Kind, Guid? Item) : IArguments<ItemEventWish>
{
    public static ItemEventWish Read(ref XdrReader reader) => new(reader.Int32(), reader.Present() ? ItemName.Read(ref reader).Uuid : null);
}

/// <summary>Networks or pools, with their number behind them.</summary>
internal readonly record struct ItemList(IReadOnlyList<ItemName> Items, int Count) : IResult
{
    public void Write(XdrWriter writer)
    {
        writer.Int32(Items.Count);
        foreach (ItemName item in Items) item.Write(writer);
        writer.Int32(Count);
    }
}

/// <summary>A volume on the wire (<c>remote_nonnull_storage_vol</c>): its pool and name count when a client sends it.</summary>
internal readonly record struct VolumeName(string Pool, string Name, string Key) : IArguments<VolumeName>, IResult
{
    public static VolumeName Of(Volume volume) => new(volume.Pool, volume.Name, volume.Path);

    public static VolumeName Read(ref XdrReader reader) => new(reader.Text(), reader.Text(), reader.Text());

    public void Write(XdrWriter writer)
    {
        writer.Text(Pool);
        writer.Text(Name);
        writer.Text(Key);
    }
}

/// <summary>A volume and flags.</summary>
internal readonly record struct VolumeAndFlags(VolumeName Volume, uint Flags) : IArguments<VolumeAndFlags>
{
    public static VolumeAndFlags Read(ref XdrReader reader) => new(VolumeName.Read(ref reader), reader.UInt32());
}

/// <summary>Which items are listed: the groups that <c>virConnectListAllNetworksFlags</c> and <c>virConnectListAllStoragePoolsFlags</c> have in common.</summary>
internal static class ItemFilter
{
    /// <summary>All flags there are.</summary>
    public const uint All = Inactive | Active | Persistent | Transient | Autostart | NoAutostart;

    private const uint Inactive = 1, Active = 2, Persistent = 4, Transient = 8, Autostart = 16, NoAutostart = 32;

    public static bool Matches<T>(CatalogueItem<T> item, uint flags) where T : ICatalogued
        => Group(flags, Active, Inactive, item.IsActive) && Group(flags, Persistent, Transient, item.IsPersistent) && Group(flags, Autostart, NoAutostart, item.Autostart);

    private static bool Group(uint flags, uint yes, uint no, bool value) => (flags & (yes | no)) == 0 || (flags & (value ? yes : no)) != 0;
}
