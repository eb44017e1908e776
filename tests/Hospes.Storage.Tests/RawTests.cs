using Hospes.Storage.Files;
using Hospes.Storage.Raw;
using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

public sealed class RawTests
{
    [Fact]
    public void ADiskIsTheFile()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.raw", new ImageCreation { Format = ImageFormat.Raw, Size = 1_000_000 });
        byte[] model = new byte[1_000_000];
        var random = new Random(1);
        using (IBlockImage image = scratch.Open("disk.raw", format: ImageFormat.Raw))
        {
            image.Sectors.ShouldBe(1953);
            for (int i = 0; i < 300; i++) ModelTests.Step(image, ref model, random);
            image.ReadAll().AsSpan().SequenceEqual(model).ShouldBeTrue();
        }

        File.ReadAllBytes(scratch.At("disk.raw")).AsSpan().SequenceEqual(model).ShouldBeTrue();
    }

    [Fact]
    public void RequestsOutsideTheDiskAreRefused()
    {
        using var scratch = new Scratch();
        foreach (ImageFormat format in Enum.GetValues<ImageFormat>())
        {
            scratch.Create($"disk.{format}", new ImageCreation { Format = format, Size = 10_000 });
            using (IBlockImage image = scratch.Open($"disk.{format}", format: format))
            {
                foreach ((long offset, int length) in ((long, int)[])[(9_999, 2), (10_001, 0), (-1, 1), (long.MaxValue, 1), (long.MinValue, 1)])
                {
                    image.Read(offset, new byte[length]).ShouldBe(StorageError.OutOfRange);
                    image.Write(offset, new byte[length]).ShouldBe(StorageError.OutOfRange);
                    image.WriteZeroes(offset, length, true).ShouldBe(StorageError.OutOfRange);
                    image.Discard(offset, length).ShouldBe(StorageError.OutOfRange);
                }

                image.Find(10_000, out _).ShouldBe(StorageError.OutOfRange);
                image.WriteZeroes(1, long.MaxValue, false).ShouldBe(StorageError.OutOfRange);
                image.Discard(1, -1).ShouldBe(StorageError.OutOfRange);
                image.Resize(-1).ShouldBe(StorageError.BadSetting);
                image.Write(9_999, [5]).ShouldBe(StorageError.None);
                image.Read(10_000, []).ShouldBe(StorageError.None);
            }

            using IBlockImage readOnly = scratch.Open($"disk.{format}", readOnly: true, format: format);
            readOnly.IsReadOnly.ShouldBeTrue();
            readOnly.Write(0, [1]).ShouldBe(StorageError.ReadOnly);
            readOnly.WriteZeroes(0, 1, true).ShouldBe(StorageError.ReadOnly);
            readOnly.Discard(0, 1).ShouldBe(StorageError.ReadOnly);
            readOnly.Resize(1).ShouldBe(StorageError.ReadOnly);
            readOnly.Flush().ShouldBe(StorageError.None);
        }
    }

    [Fact]
    public void HolesStayAndDiscardsMakeNewOnes()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.raw", new ImageCreation { Format = ImageFormat.Raw, Size = 64 << 20 });
        using (IBlockImage image = scratch.Open("disk.raw", format: ImageFormat.Raw))
        {
            image.Find(0, out Extent hole).ShouldBe(StorageError.None);
            hole.ShouldBe(new Extent(64 << 20, true));
            image.Put(8 << 20, Bytes.Random(1, 4 << 20));
            image.Find(0, out hole).ShouldBe(StorageError.None);
            hole.ShouldBe(new Extent(8 << 20, true));
            image.Find(8 << 20, out Extent data).ShouldBe(StorageError.None);
            data.ShouldBe(new Extent(4 << 20, false));
            long full = Space();
            image.Discard(9 << 20, 1 << 20).ShouldBe(StorageError.None);
            image.WriteZeroes(10 << 20, 1 << 20, mayUnmap: true).ShouldBe(StorageError.None);
            Space().ShouldBe(full - (2 << 20));
            image.WriteZeroes(8 << 20, 1 << 20, mayUnmap: false).ShouldBe(StorageError.None);
            Space().ShouldBe(full - (2 << 20));
            image.ReadAll().AsSpan(8 << 20, 3 << 20).IndexOfAnyExcept((byte)0).ShouldBe(-1);
        }

        long Space()
        {
            ImageInspector.TryRead(scratch.At("disk.raw"), ImageFormat.Raw, shared: true, out ImageInfo? info, out _).ShouldBeTrue();
            return info!.SpaceUsed;
        }
    }

    [Fact]
    public void SpaceCanBeReservedInAdvance()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.raw", new ImageCreation { Format = ImageFormat.Raw, Size = 1 << 20, Preallocation = Preallocation.Falloc });
        ImageInspector.TryRead(scratch.At("disk.raw"), ImageFormat.Raw, shared: false, out ImageInfo? info, out _).ShouldBeTrue();
        info!.SpaceUsed.ShouldBe(1 << 20);
    }

    [Fact]
    public void AFileThatWasMadeShorterUnderTheDiskIsAnIoError()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.raw", new ImageCreation { Format = ImageFormat.Raw, Size = 1 << 20 });
        using IBlockImage image = scratch.Open("disk.raw", format: ImageFormat.Raw);
        scratch.Run("truncate", 0, "-s", "1000", "disk.raw");
        image.Read(500, new byte[1000]).ShouldBe(StorageError.IoError);
        image.Read(0, new byte[1000]).ShouldBe(StorageError.None);
    }

    [Fact]
    public void AVanishedDeviceAnswersEveryRequestWithAnError()
    {
        var file = new MemoryFile(new byte[10_000]);
        RawImage.TryOpen(file, guardFront: false, out RawImage? image).ShouldBe(StorageError.None);
        file.Gone = true;
        image!.Read(0, new byte[10]).ShouldBe(StorageError.IoError);
        image.Write(0, new byte[10]).ShouldBe(StorageError.IoError);
        image.Flush().ShouldBe(StorageError.IoError);
        image.Discard(0, 10).ShouldBe(StorageError.IoError);
        image.Resize(10).ShouldBe(StorageError.IoError);
    }
}
