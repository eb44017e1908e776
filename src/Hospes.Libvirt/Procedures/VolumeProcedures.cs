using Hospes.Domains;
using Hospes.Domains.Storage;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>Volumes of storage pools.</summary>
internal static class VolumeProcedures
{
    /// <summary><c>VIR_STORAGE_VOL_RESIZE_DELTA</c>, <c>_SHRINK</c></summary>
    private const uint Delta = 2, Shrink = 4;

    /// <summary><c>VIR_STORAGE_VOL_GET_PHYSICAL</c></summary>
    private const uint GetPhysical = 1;

    /// <summary><c>VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA</c> and <c>_VALIDATE</c>: laying out is a hint, and every document is checked.</summary>
    private const uint CreateFlags = 1 | 4;

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Now<ItemName, Number>(91, "virStoragePoolNumOfVolumes", Read, static (session, pool) => Pools(session).List(pool.Uuid) is var found && found.Failure is { } failure ? failure : new Number(found.Value.Length)),
        Now<ItemAndInt, TextList>(92, "virStoragePoolListVolumes", Read, static (session, wish) =>
            Pools(session).List(wish.Item.Uuid) is var found && found.Failure is { } failure ? failure : new TextList([.. found.Value.Select(static volume => volume.Name).Take(Math.Max(0, wish.Value))])),
        Now<ItemListWish, VolumeList>(282, "virStoragePoolListAllVolumes", Read, static (session, wish) =>
            Pools(session).List(wish.Item.Uuid) is var found && found.Failure is { } failure ? failure : new VolumeList(wish.NeedResults != 0 ? found.Value : [], found.Value.Length)),
        Now<ItemAndText, VolumeName>(95, "virStorageVolLookupByName", Read, static (session, wish) => Name(Pools(session).Find(wish.Item.Uuid, wish.Text))),
        Now<Words, VolumeName>(96, "virStorageVolLookupByKey", Read, static (session, key) => Name(Pools(session).FindPath(key.Text))),
        Now<Words, VolumeName>(97, "virStorageVolLookupByPath", Read, static (session, path) => Name(Pools(session).FindPath(path.Text))),
        Now<VolumeName, ItemName>(86, "virStoragePoolLookupByVolume", Read, static (session, volume) => CatalogueRows<PoolConfig>.Name(Pools(session).Pools.Find(volume.Pool))),
        Later<ItemTextFlags, VolumeName>(93, "virStorageVolCreateXML", Write, static (session, wish) => CreateAsync(session, wish.Item, wish.Text, null, wish.Flags)),
        Later<CloneWish, VolumeName>(125, "virStorageVolCreateXMLFrom", Write, static (session, wish) => CreateAsync(session, wish.Pool, wish.Xml, wish.Source, wish.Flags)),
        Now<VolumeAndFlags, Nothing>(94, "virStorageVolDelete", Write, static (session, wish) => With<Nothing>(session, wish.Volume, volume =>
            Flags.Check(wish.Flags, 0, "virStorageVolDelete") ?? (StoragePools.Delete(volume) is { } failure ? failure : default(Answer<Nothing>)))),
        Now<VolumeName, VolumeInformation>(98, "virStorageVolGetInfo", Read, static (session, name) => Information(session, new VolumeAndFlags(name, 0))),
        Now<VolumeAndFlags, VolumeInformation>(378, "virStorageVolGetInfoFlags", Read, Information),
        Now<VolumeAndFlags, Words>(99, "virStorageVolGetXMLDesc", Read, static (session, wish) => With<Words>(session, wish.Volume, volume =>
            Pools(session).Inspect(volume) is var image && image.Failure is { } failure ? failure : new Words(volume.ToXml(image.Value)))),
        Now<VolumeName, Words>(100, "virStorageVolGetPath", Read, static (session, name) => With<Words>(session, name, static volume => new Words(volume.Path))),
        Now<ResizeWish, Nothing>(260, "virStorageVolResize", Write, static (session, wish) => With<Nothing>(session, wish.Volume, volume => Flags.Check(wish.Flags, Delta | Shrink, "virStorageVolResize")
            ?? (Pools(session).Resize(volume, wish.Capacity, (wish.Flags & Delta) != 0, (wish.Flags & Shrink) != 0) is { } failure ? failure : default(Answer<Nothing>)))),
        new StreamProcedure<TransferWish>(208, "virStorageVolUpload", Write, static (session, wish) => TransferAsync(session, wish, write: true)),
        new StreamProcedure<TransferWish>(209, "virStorageVolDownload", Write, static (session, wish) => TransferAsync(session, wish, write: false)),
    ];

    private static StoragePools Pools(ClientSession session) => session.Server.Options.Pools;

    private static Answer<VolumeName> Name(Outcome<Volume> outcome) => outcome.Failure is { } failure ? failure : VolumeName.Of(outcome.Value);

    private static Answer<T> With<T>(ClientSession session, in VolumeName name, Func<Volume, Answer<T>> work)
        => Pools(session).Find(name.Pool, name.Name) is var found && found.Failure is { } missing ? missing : work(found.Value);

    /// <summary>Makes a volume beside the calls that follow: a copy takes its time.</summary>
    private static async ValueTask<Answer<VolumeName>> CreateAsync(ClientSession session, ItemName pool, string xml, VolumeName? source, uint flags)
    {
        if (Flags.Check(flags, CreateFlags, "virStorageVolCreateXML") is { } unknown) return unknown;
        Volume? from = null;
        if (source is { } name)
        {
            Outcome<Volume> found = Pools(session).Find(name.Pool, name.Name);
            if (found.Failure is { } missing) return missing;
            from = found.Value;
        }
        return Name(await Task.Run(() => Pools(session).Create(pool.Uuid, xml, from)).ConfigureAwait(false));
    }

    private static Answer<VolumeInformation> Information(ClientSession session, VolumeAndFlags wish) => With<VolumeInformation>(session, wish.Volume, volume =>
    {
        if (Flags.Check(wish.Flags, GetPhysical, "virStorageVolGetInfoFlags") is { } unknown) return unknown;
        Outcome<DiskImageInfo> image = Pools(session).Inspect(volume);
        return image.Failure is { } failure ? failure : new VolumeInformation(image.Value.Capacity, (wish.Flags & GetPhysical) != 0 ? image.Value.Physical : image.Value.Allocation);
    });

    private static ValueTask<Answer<Stream>> TransferAsync(ClientSession session, TransferWish wish, bool write)
    {
        // VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM and its kin would need holes in streams.
        if (Flags.Check(wish.Flags, 0, write ? "virStorageVolUpload" : "virStorageVolDownload") is { } unknown) return ValueTask.FromResult<Answer<Stream>>(unknown);
        return ValueTask.FromResult(With<Stream>(session, wish.Volume, volume => StoragePools.Open(volume, write, wish.Offset, wish.Length) is var opened && opened.Failure is { } failure ? failure : opened.Value));
    }

    /// <summary><c>remote_storage_vol_create_xml_from_args</c></summary>
    private readonly record struct CloneWish(ItemName Pool, string Xml, VolumeName Source, uint Flags) : IArguments<CloneWish>
    {
        public static CloneWish Read(ref XdrReader reader) => new(ItemName.Read(ref reader), reader.Text(), VolumeName.Read(ref reader), reader.UInt32());
    }

    /// <summary><c>remote_storage_vol_resize_args</c></summary>
    private readonly record struct ResizeWish(VolumeName Volume, ulong Capacity, uint Flags) : IArguments<ResizeWish>
    {
        public static ResizeWish Read(ref XdrReader reader) => new(VolumeName.Read(ref reader), reader.UInt64(), reader.UInt32());
    }

    /// <summary><c>remote_storage_vol_upload_args</c>, <c>remote_storage_vol_download_args</c></summary>
    private readonly record struct TransferWish(VolumeName Volume, ulong Offset, ulong Length, uint Flags) : IArguments<TransferWish>
    {
        public static TransferWish Read(ref XdrReader reader) => new(VolumeName.Read(ref reader), reader.UInt64(), reader.UInt64(), reader.UInt32());
    }

    /// <summary><c>remote_storage_vol_get_info_ret</c>: a file (<c>VIR_STORAGE_VOL_FILE</c>), its capacity and what it takes.</summary>
    private readonly record struct VolumeInformation(ulong Capacity, ulong Allocation) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(0);
            writer.UInt64(Capacity);
            writer.UInt64(Allocation);
        }
    }

    /// <summary><c>remote_storage_pool_list_all_volumes_ret</c></summary>
    private readonly record struct VolumeList(IReadOnlyList<Volume> Items, int Count) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(Items.Count);
            foreach (Volume volume in Items) VolumeName.Of(volume).Write(writer);
            writer.Int32(Count);
        }
    }
}
