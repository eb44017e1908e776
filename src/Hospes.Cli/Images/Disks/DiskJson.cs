using System.Text.Json;
using System.Text.Json.Serialization;
using Hospes.Storage;
using Hospes.Storage.Qcow2;

namespace Hospes.Cli.Images.Disks;

/// <summary>What <c>hospes image info --json</c> writes: QEMU's ImageInfo (qapi/block-core.json).</summary>
internal sealed record DiskInfo(
    string Filename, string Format, long VirtualSize, long ActualSize, int? ClusterSize, bool DirtyFlag, string? BackingFilename, string? FullBackingFilename, string? BackingFilenameFormat,
    IReadOnlyList<DiskSnapshot>? Snapshots, DiskSpecific? FormatSpecific);

/// <summary>QEMU's SnapshotInfo.</summary>
internal sealed record DiskSnapshot(string Id, string Name, long VmStateSize, long DateSec, long DateNsec, long VmClockSec, long VmClockNsec);

/// <summary>QEMU's ImageInfoSpecific.</summary>
internal sealed record DiskSpecific(string Type, DiskSpecificData Data);

/// <summary>QEMU's ImageInfoSpecificQCow2.</summary>
internal sealed record DiskSpecificData(string Compat, string CompressionType, bool? LazyRefcounts, int RefcountBits, bool? Corrupt);

/// <summary>What <c>hospes image check --json</c> writes: QEMU's ImageCheck.</summary>
internal sealed record DiskCheck(
    string Filename, string Format, long CheckErrors, long ImageEndOffset, long TotalClusters, long AllocatedClusters, long FragmentedClusters, long CompressedClusters, long Corruptions, long Leaks, long CorruptionsFixed, long LeaksFixed);

/// <summary>Brings findings into the shapes of the JSON.</summary>
internal static class DiskJsonShape
{
    public static DiskInfo Of(ImageInfo info)
    {
        Qcow2Info? qcow2 = info.Qcow2;
        return new DiskInfo(
            info.Path, info.Format.Name(), info.Size, info.SpaceUsed, qcow2?.ClusterSize, qcow2?.Dirty ?? false, qcow2?.BackingFile, info.BackingPath, qcow2?.BackingFormat,
            qcow2 is { Snapshots.Count: > 0 } ? [.. qcow2.Snapshots.Select(Of)] : null,
            qcow2 is null ? null : new DiskSpecific("qcow2", Specific(qcow2)));
    }

    public static DiskCheck Of(string path, Qcow2CheckResult found) => new(
        path, ImageFormat.Qcow2.Name(), found.CheckErrors, found.ImageEndOffset, found.TotalClusters, found.AllocatedClusters, found.FragmentedClusters, found.CompressedClusters,
        found.Corruptions, found.Leaks, found.CorruptionsFixed, found.LeaksFixed);

    private static DiskSpecificData Specific(Qcow2Info qcow2)
    {
        bool old = qcow2.Version == 2;
        return new DiskSpecificData(old ? "0.10" : "1.1", qcow2.Compression == CompressionType.Zstd ? "zstd" : "zlib", old ? null : qcow2.LazyRefcounts, qcow2.RefcountBits, old ? null : qcow2.Corrupt);
    }

    private static DiskSnapshot Of(SnapshotInfo snapshot) => new(
        snapshot.Id, snapshot.Name, snapshot.StateSize, snapshot.Taken.ToUnixTimeSeconds(), snapshot.Taken.Ticks % TimeSpan.TicksPerSecond * 100,
        snapshot.GuestTime.Ticks / TimeSpan.TicksPerSecond, snapshot.GuestTime.Ticks % TimeSpan.TicksPerSecond * 100);
}

/// <summary>The serializer, with QEMU's spelling of names.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DiskInfo))]
[JsonSerializable(typeof(DiskCheck))]
internal sealed partial class DiskJson : JsonSerializerContext;
